/** What commands work with: the store in a home on this machine, or a stack in AWS. Its code is loaded when it is wanted. */
import type { OperatorReads } from "../adapters/shared/operator-reads.ts";
import type { AwsClient } from "../aws.ts";
import type { Engine } from "../domain/engine.ts";
import type { Embedded } from "../embedded.ts";
import type { Logger } from "../ports/logger.ts";
import type { Rookery } from "../runtime/rookery.ts";
import type { Settings } from "../runtime/settings.ts";
import type { Where } from "./context.ts";
import { CliError, EXIT } from "./exit.ts";

/** What both can do. */
export interface Store extends Rookery, OperatorReads {
  close(): void;
}
export type Opened =
  | { readonly kind: "home"; readonly store: Embedded }
  | { readonly kind: "stack"; readonly stack: string; readonly store: AwsClient };

interface OpenOptions {
  readonly logger: Logger;
  /** To work, not to call. Default none. */
  readonly engines?: readonly Engine[];
  readonly settings?: Partial<Settings>;
}

/** The store of a home is made when it is missing. @throws CliError without the AWS SDK, and what the store throws */
export async function openStore(where: Where, options: OpenOptions): Promise<Opened> {
  if (where.kind === "home") {
    const { openEmbedded } = await import("../embedded.ts");
    const store = openEmbedded({ home: where.home.value, namespace: where.namespace.value, ...options });
    return { kind: "home", store };
  }
  const { createAwsClient } = await loadAws();
  const stack = where.stack.value;
  const namespace = where.namespace === null ? {} : { namespace: where.namespace.value };
  return { kind: "stack", stack, store: await createAwsClient({ stack, ...namespace, ...options }) };
}

/** For logs and notes. */
export function placeFields(where: Where): { readonly home: string } | { readonly stack: string } {
  return where.kind === "home" ? { home: where.home.value } : { stack: where.stack.value };
}

/** Optional peers of the package that `rookery/aws` loads. */
export const AWS_PACKAGES = ["dynamodb", "s3", "sqs", "ssm"].map((name) => `@aws-sdk/client-${name}`);

/** @throws CliError that says what to install */
export async function loadAws(): Promise<typeof import("../aws.ts")> {
  try {
    return await import("../aws.ts");
  } catch (thrown) {
    const missing = missingPackage(thrown);
    if (missing === null) throw thrown;
    throw new CliError(EXIT.failed, `a stack needs the AWS SDK, and ${missing} is not installed here`, {
      hint: `npm install ${AWS_PACKAGES.join(" ")}`,
      cause: thrown,
    });
  }
}
function missingPackage(thrown: unknown): string | null {
  if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ERR_MODULE_NOT_FOUND")) return null;
  return /'(@(?:aws-sdk|smithy)\/[^']+)'/.exec(thrown.message)?.[1] ?? null;
}
