/** Rookery as a construct of the AWS CDK. Needs aws-cdk-lib, constructs and esbuild. */

export type { RookeryProps } from "./cdk/props.ts";
export type { Queues } from "./cdk/queues.ts";
export { Rookery } from "./cdk/rookery.ts";
