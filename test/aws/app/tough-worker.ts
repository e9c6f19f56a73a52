import { createWorkerHandler } from "../../../src/lambda.ts";
import { tough } from "../../crash/engines.ts";

export const handler = createWorkerHandler({ engines: [tough] });
