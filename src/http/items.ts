/** Work items as callers know them: enqueued, listed, looked at, waited for. */
import type { Context } from "hono";
import { InvalidArgumentError } from "../domain/errors.ts";
import type { Json } from "../domain/json.ts";
import { LANES } from "../domain/lane.ts";
import { SECOND_MS } from "../domain/limits.ts";
import { type ItemStatus, SHOWN_STATUSES } from "../runtime/inspect.ts";
import { untypedContract } from "../runtime/untyped.ts";
import { encodePageCursor } from "../wire/page-cursor.ts";
import { readFields } from "./body.ts";
import type { Door, Route } from "./door.ts";
import type { Fields } from "./fields.ts";
import { itemOf, type Query, queryOf } from "./query.ts";

/** The longest that an answer is held back for an item's end. */
const MAX_WAIT_MS = 20 * SECOND_MS;

/** Any result passes: what an item ended with is told as it is stored. */
const ANYONE = untypedContract("any");

export const ITEM_ROUTES: readonly Route[] = [
  { method: "POST", path: "/items", answer: enqueue },
  { method: "GET", path: "/items", answer: list },
  { method: "GET", path: "/items/:id", answer: status },
  { method: "GET", path: "/items/:id/result", answer: result },
];

const ITEM_FIELDS = ["engine", "payload", "key", "ifEnded", "lane", "tenant", "labels", "delayMs", "deadlineMs", "signal"];

async function enqueue(c: Context, door: Door): Promise<Response> {
  queryOf(c, []);
  const body = await readFields(c, door, ITEM_FIELDS);
  const engine = body.text("engine");
  if (engine === undefined) throw new InvalidArgumentError("body.engine", "the id of an engine", engine);
  const enqueued = await door.client.enqueue(door.contractOf(engine), body.payload(), {
    ...startOptions(body),
    ...startSignal(body),
  });
  if (!enqueued.created) return c.json(enqueued, 200);
  return c.json(enqueued, 201, { location: `/items/${enqueued.workId}` });
}

function startOptions(body: Fields) {
  const [key, ifEnded] = [body.text("key"), body.choice("ifEnded", ["return", "again"] as const)];
  const [lane, tenant, labels] = [body.choice("lane", LANES), body.text("tenant"), body.texts("labels")];
  const [delayMs, deadlineMs] = [body.number("delayMs"), body.number("deadlineMs")];
  return {
    ...(key === undefined ? {} : { key }),
    ...(ifEnded === undefined ? {} : { ifEnded }),
    ...(lane === undefined ? {} : { lane }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(labels === undefined ? {} : { labels }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  };
}
function startSignal(body: Fields): { signal?: { name: string; payload: Json; id?: string } } {
  const signal = body.fields("signal", ["name", "payload", "id"]);
  if (signal === undefined) return {};
  const [name, id] = [signal.text("name"), signal.text("id")];
  if (name === undefined) throw new InvalidArgumentError("body.signal.name", "the name of a signal", name);
  return { signal: { name, payload: signal.payload(), ...(id === undefined ? {} : { id }) } };
}

async function list(c: Context, door: Door): Promise<Response> {
  const query = queryOf(c, ["status", "engine", "tenant", "label", "limit", "after"]);
  const [engine, tenant, limit, after] = [query.text("engine"), query.text("tenant"), query.count("limit"), query.after()];
  const { entries, next } = await door.client.list({
    ...shownStatus(query),
    labels: labelsOf(query),
    ...(engine === undefined ? {} : { engine }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(limit === undefined ? {} : { limit }),
    ...(after === undefined ? {} : { after }),
  });
  return c.json({ entries, next: next === null ? null : encodePageCursor(next) });
}
function shownStatus(query: Query): { status?: ItemStatus["status"] } {
  const given = query.text("status");
  if (given === undefined) return {};
  const found = SHOWN_STATUSES.find((one) => one === given);
  if (found === undefined) throw new InvalidArgumentError("query: status", SHOWN_STATUSES.join(", "), given);
  return { status: found };
}
/** `label=name=value`, as often as wanted. */
function labelsOf(query: Query): Readonly<Record<string, string>> {
  return Object.fromEntries(
    query.all("label").map((text): [string, string] => {
      const at = text.indexOf("=");
      if (at < 1) throw new InvalidArgumentError("query: label", "name=value", text);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

async function status(c: Context, { client }: Door): Promise<Response> {
  return c.json(await client.status(itemOf(c).ref));
}

async function result(c: Context, door: Door): Promise<Response> {
  const { ref, query } = itemOf(c, ["waitMs"]);
  const waitMs = query.count("waitMs") ?? 0;
  if (waitMs > MAX_WAIT_MS) throw new InvalidArgumentError("query: waitMs", `at most ${MAX_WAIT_MS}`, waitMs);
  const end = await door.client.result(ANYONE, ref, { timeoutMs: waitMs, abortSignal: door.goneSignal(c) });
  if (end.status === "open") return c.json(end, 202);
  if (end.status === "completed") return c.json(end);
  const item = await door.client.status(ref);
  // A redrive may have come in between.
  return item.endedAtMs === null
    ? c.json({ status: "open" }, 202)
    : c.json({ status: item.status, error: item.error, cause: item.cause });
}
