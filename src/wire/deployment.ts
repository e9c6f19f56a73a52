/**
 * What a deployment consists of: stored as JSON by the infrastructure in an SSM parameter, where callers find it by the
 * name of the stack, and in the environment of its functions.
 */
import { z } from "zod";
import { InvalidArgumentError, messageOf } from "../domain/errors.ts";
import { LANES, type Lane } from "../domain/lane.ts";
import { NAMESPACE_PATTERN } from "../domain/limits.ts";

const DEPLOYMENT_VERSION = 1;

export interface Deployment {
  /** Name of the DynamoDB table. */
  readonly table: string;
  /** Name of the S3 bucket. */
  readonly bucket: string;
  /** URLs of the work queues; a lane without one of its own goes to `normal`. */
  readonly queues: Readonly<Partial<Record<Lane, string>>> & { readonly normal: string };
  /** URL of the dead-letter queue. */
  readonly deadLetters: string;
  /** Messages carry their tenant as message group: the queues take turns between tenants. */
  readonly fair: boolean;
  /** Where callers work unless they say otherwise. */
  readonly namespace: string;
}

const schema = z.object({
  v: z.literal(DEPLOYMENT_VERSION),
  table: z.string().min(1),
  bucket: z.string().min(1),
  queues: z.object({ normal: z.url(), high: z.url().exactOptional(), low: z.url().exactOptional() }),
  deadLetters: z.url(),
  fair: z.boolean(),
  namespace: z.string().regex(NAMESPACE_PATTERN),
});

/** Where the infrastructure puts it, and `createAwsClient({ stack })` looks. */
export function deploymentParameter(stack: string): string {
  return `/rookery/${stack}/deployment`;
}

/** The fields to write as JSON; the infrastructure's values are tokens at that time. */
export function deploymentFields(deployment: Deployment): Readonly<Record<string, unknown>> {
  return { v: DEPLOYMENT_VERSION, ...deployment };
}

/** @throws InvalidArgumentError that names `source` */
export function decodeDeployment(text: string, source: string): Deployment {
  try {
    const { v: _, ...deployment } = schema.parse(JSON.parse(text));
    return deployment;
  } catch (error) {
    // A schema that measures what is no text may stumble over what it finds there.
    const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
    throw new InvalidArgumentError(source, "the JSON of a deployment", why);
  }
}

/** The lane whose queue takes the messages of `lane`. */
export function queueOf({ queues }: Deployment, lane: Lane): string {
  return queues[lane] ?? queues.normal;
}
/** Every queue once. */
export function queuesOf({ queues }: Deployment): string[] {
  return LANES.flatMap((lane) => queues[lane] ?? []);
}
