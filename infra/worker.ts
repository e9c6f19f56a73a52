/** The worker of this repository's own stack: the built-in engines. */
import { counter } from "../src/engines/counter.ts";
import { watchlist } from "../src/engines/watchlist.ts";
import { createWorkerHandler } from "../src/lambda.ts";

export const handler = createWorkerHandler({ engines: [counter, watchlist] });
