/** How an item ended, as whoever waits for it is told: a result that its contract has passed, or a live Error. */
import { type Contract, validate } from "../domain/contract.ts";
import type { Ended } from "../domain/engine.ts";
import { isEnded } from "../domain/head.ts";
import { decodeJson, type Json } from "../domain/json.ts";
import { reviveError } from "../domain/stored-error.ts";
import type { Deps } from "./deps.ts";
import type { LiveRecords } from "./live.ts";
import { load } from "./values.ts";

/** @throws SchemaError when the result does not fit the contract, BlobMissingError, BlobAlteredError */
export async function endOf<R extends Json>(
  deps: Deps,
  contract: Contract<Json, R>,
  live: LiveRecords,
): Promise<Ended<R> | { readonly status: "open" }> {
  const { status } = live.head;
  if (status.kind === "completed") {
    const value = decodeJson(await load(deps, live.partition, status.result));
    return { status: "completed", result: await validate(`result of work item ${live.item.workId}`, contract.result, value) };
  }
  if (!isEnded(status)) return { status: "open" };
  return { status: status.kind, error: reviveError(status.error) };
}
