/** The release after `worker.ts`: an engine of it has a new version, which carries over what is in flight. */
import { createWorkerHandler } from "../../../src/lambda.ts";
import { grown } from "./engines.ts";

export const handler = createWorkerHandler({ engines: [grown] });
