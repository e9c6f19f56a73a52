/** What there is to see of a work item: state, journal, log, artifacts, effects, the tree below it. */
import type { Context } from "hono";
import type { ArtifactRef } from "../domain/engine.ts";
import { encodePageCursor } from "../wire/page-cursor.ts";
import type { Door, Route } from "./door.ts";
import { itemOf } from "./query.ts";
import { ndjson, streamed } from "./streams.ts";

export const LOOK_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/items/:id/state",
    answer: async (c, { client }) => c.json({ state: await client.state(itemOf(c).ref) }),
  },
  { method: "GET", path: "/items/:id/events", answer: (c, door) => ndjson(c, door, door.client.events(itemOf(c).ref)) },
  { method: "GET", path: "/items/:id/history", answer: (c, door) => ndjson(c, door, door.client.history(itemOf(c).ref)) },
  { method: "GET", path: "/items/:id/log", answer: log },
  {
    method: "GET",
    path: "/items/:id/artifacts",
    answer: async (c, { client }) => c.json({ entries: await client.artifacts(itemOf(c).ref) }),
  },
  { method: "GET", path: "/items/:id/artifacts/:name{.+}", answer: artifact },
  {
    method: "GET",
    path: "/items/:id/effects",
    answer: async (c, { client }) => c.json({ entries: await client.effects(itemOf(c).ref) }),
  },
  { method: "GET", path: "/items/:id/children", answer: children },
  {
    method: "GET",
    path: "/items/:id/groups",
    answer: async (c, { client }) => c.json({ entries: await client.groups(itemOf(c).ref) }),
  },
];

async function log(c: Context, door: Door): Promise<Response> {
  const { ref, query } = itemOf(c, ["last"]);
  const last = query.count("last");
  return ndjson(c, door, each(await door.client.log(ref, last === undefined ? {} : { last })));
}
async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

async function children(c: Context, { client }: Door): Promise<Response> {
  const { ref, query } = itemOf(c, ["group", "limit", "after"]);
  const [group, limit, after] = [query.text("group"), query.count("limit"), query.after()];
  const { entries, next } = await client.children(ref, {
    ...(group === undefined ? {} : { group }),
    ...(limit === undefined ? {} : { limit }),
    ...(after === undefined ? {} : { after }),
  });
  return c.json({ entries, next: next === null ? null : encodePageCursor(next) });
}

async function artifact(c: Context, door: Door): Promise<Response> {
  const { ref, content } = await door.client.artifact(itemOf(c).ref, c.req.param("name") ?? "");
  const headers = headersOf(ref);
  if (c.req.header("if-none-match") === headers["etag"]) return new Response(null, { status: 304, headers });
  return streamed(c, door, content, { ...headers, "content-length": String(ref.bytes) });
}

/** An agent wrote it: whatever it says it is, in a browser it must not act for whoever looks at it. */
function headersOf({ name, digest, mediaType }: ArtifactRef) {
  return {
    "content-type": isMediaType(mediaType) ? mediaType : "application/octet-stream",
    "content-disposition": `inline; filename*=UTF-8''${encodeURIComponent(name.toWellFormed())}`,
    "content-security-policy": "default-src 'none'; sandbox",
    "cache-control": "private, no-cache",
    etag: `"${digest}"`,
  };
}
/** It may be any text, and not every text can be a header. */
function isMediaType(text: string): boolean {
  return /^[\w.+-]+\/[\w.+-]+(;[\x20-\x7e]*)?$/.test(text);
}
