/** The list index of stores without one of their own: newest first, and where a page ended. */
import { InvalidArgumentError } from "../../domain/errors.ts";
import type { ListQuery } from "../../ports/record-store.ts";

/** Where an entry stands: stable when entries are added before or after it. */
export interface ListPlace {
  readonly atMs: number;
  readonly partition: string;
  readonly sort: string;
}

const MAX_LIMIT = 1_000;

export function encodeCursor({ atMs, partition, sort }: ListPlace): string {
  return JSON.stringify([atMs, partition, sort]);
}

/** Checks what comes from a caller's page. */
export function parseListQuery({ limit, after }: ListQuery): { readonly limit: number; readonly after: ListPlace | null } {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new InvalidArgumentError("limit of a list", `a whole number from 1 to ${MAX_LIMIT}`, limit);
  }
  return { limit, after: after === null ? null : parseCursor(after) };
}

function parseCursor(text: string): ListPlace {
  const [atMs, partition, sort] = parseArray(text);
  if (typeof atMs !== "number" || typeof partition !== "string" || typeof sort !== "string") {
    throw new InvalidArgumentError("cursor of a list", "the `next` of an earlier page", text);
  }
  return { atMs, partition, sort };
}
function parseArray(text: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}
