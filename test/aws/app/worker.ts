import { watchlist } from "../../../src/engines/watchlist.ts";
import { createWorkerHandler } from "../../../src/lambda.ts";
import { batchMember, desk, family, growing, leg, payer, relay, sleeper, talker } from "./engines.ts";

export const handler = createWorkerHandler({
  engines: [watchlist, leg, relay, sleeper, desk, payer, family, batchMember, talker, growing],
});
