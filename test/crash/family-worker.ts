/** Works on one crowd in a process of its own, started with gc exposed so that its memory can be watched. */
import { openEmbedded } from "../../src/embedded.ts";
import { Crowd, engines } from "./family-engines.ts";

const [home = "", workId = ""] = process.argv.slice(2);
const silent = () => undefined;
const logger = { debug: silent, info: silent, warn: silent, error: console.error };
const store = openEmbedded({ home, engines, logger });
const stop = new AbortController();
const done = store.work(stop.signal, { concurrency: 20 });
await store.result(Crowd, workId, { timeoutMs: 3_600_000 });
stop.abort();
await done;
store.close();
