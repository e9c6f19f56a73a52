/** Rookery's functions in AWS Lambda. `rookery/cdk` deploys them; a worker of one's own is three lines over this entry. */
export { createCallbackHandler, createHttpHandler, type DoorHandlerOptions } from "./lambda/http.ts";
export { createWorkerHandler, type WorkerHandler, type WorkerHandlerOptions } from "./lambda/worker.ts";
