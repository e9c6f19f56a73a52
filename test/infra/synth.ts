/** Templates of stacks, synthesized without bundling: what the functions hold does not matter to them. */
import { join } from "node:path";
import { App, RemovalPolicy } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { z } from "zod";
import { RookeryStack } from "../../infra/stack.ts";
import type { RookeryProps } from "../../src/cdk.ts";

export const WORKER = join(import.meta.dirname, "fixtures/worker.ts");

export function createApp(): App {
  return new App({
    context: { "aws:cdk:bundling-stacks": [] },
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
  });
}

export function createStack(props: Partial<RookeryProps> = {}, app = createApp(), name = "rookery"): RookeryStack {
  return new RookeryStack(app, name, { workerEntry: WORKER, ...props });
}

/** Everything that is off by default, and every number another. */
export const OTHERWISE: Partial<RookeryProps> = {
  workerMemoryMb: 512,
  workerConcurrency: 50,
  environment: { MODEL: "small", NODE_OPTIONS: "--max-old-space-size=400" },
  batchSize: 1,
  lanes: 3,
  fair: true,
  namespace: "shop",
  settings: { retentionMs: 86_400_000 },
  removalPolicy: RemovalPolicy.DESTROY,
  callbacks: true,
  sweeperReservedConcurrency: 40,
};

const Resource = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
});
export type Resource = z.infer<typeof Resource>;
const Resources = z.record(z.string(), Resource);

/** By what is left of their ids without the construct's name and the hash. */
export function resourcesOf(template: Template, type?: string): Record<string, Resource> {
  const all = Resources.parse(template.toJSON()["Resources"]);
  const entries = Object.entries(all).filter(([, resource]) => type === undefined || resource.Type === type);
  return Object.fromEntries(entries.map(([id, resource]) => [shortName(id), resource]));
}

export const shortName = (logicalId: string): string => logicalId.replace(/^Rookery(?=.)/, "").replace(/[0-9A-F]{8}$/, "");

/** References as text: `Table`, `Table/index/due`. */
export function named(value: unknown): string {
  if (typeof value === "string") return value;
  const reference = z
    .union([
      z.object({ Ref: z.string() }).transform(({ Ref }) => shortName(Ref)),
      z.object({ "Fn::GetAtt": z.tuple([z.string(), z.string()]) }).transform((got) => shortName(got["Fn::GetAtt"][0])),
      z
        .object({ "Fn::Join": z.tuple([z.string(), z.array(z.unknown())]) })
        .transform((join) => join["Fn::Join"][1].map(named).join(join["Fn::Join"][0])),
    ])
    .parse(value);
  return reference;
}

export { Template };
