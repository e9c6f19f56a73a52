/** The query of a request, and the work item that its path names. */
import type { Context } from "hono";
import { InvalidArgumentError } from "../domain/errors.ts";
import type { Ref } from "../runtime/client.ts";
import { untypedContract } from "../runtime/untyped.ts";
import { decodePageCursor } from "../wire/page-cursor.ts";

export interface Query {
  /** Undefined when it is not there; so is the next. */
  text(name: string): string | undefined;
  count(name: string): number | undefined;
  all(name: string): readonly string[];
  /** `next` of the page before. */
  after(): string | undefined;
}

/** @throws InvalidArgumentError for one that nobody knows. */
export function queryOf(c: Context, known: readonly string[]): Query {
  const given = c.req.queries();
  const stranger = Object.keys(given).find((name) => !known.includes(name));
  if (stranger !== undefined)
    throw new InvalidArgumentError("query", known.length === 0 ? "none" : `only ${known.join(", ")}`, stranger);
  const text = (name: string): string | undefined => given[name]?.[0];
  return {
    text,
    all: (name) => given[name] ?? [],
    count: (name) => {
      const found = text(name);
      if (found === undefined || /^\d{1,15}$/.test(found)) return found === undefined ? found : Number(found);
      throw new InvalidArgumentError(`query: ${name}`, "a whole number", found);
    },
    after: () => {
      const found = text("after");
      const cursor = found === undefined ? undefined : decodePageCursor(found);
      if (cursor !== null) return cursor;
      throw new InvalidArgumentError("query: after", "the `next` of the page before", found);
    },
  };
}

/** Instead of an id. No id has a dash. */
const BY_KEY = "by-key";

/** `/items/<id>`, or `/items/by-key?engine=…&key=…`; and the rest of the query. @throws InvalidArgumentError */
export function itemOf(c: Context, known: readonly string[] = []): { readonly ref: Ref; readonly query: Query } {
  const id = c.req.param("id") ?? "";
  if (id !== BY_KEY) return { ref: id, query: queryOf(c, known) };
  const query = queryOf(c, ["engine", "key", ...known]);
  const [engine, key] = [query.text("engine"), query.text("key")];
  if (engine === undefined || key === undefined)
    throw new InvalidArgumentError("query", "engine and key, which name an item together", c.req.url.replace(/^[^?]*/, ""));
  return { ref: { contract: untypedContract(engine), key }, query };
}
