/** Lists of work items: all by creation, ended ones by their end; everything else is a filter over these. */
import { InvalidArgumentError } from "../domain/errors.ts";
import { parseItemPartition } from "../domain/ids.ts";
import type { Page } from "../ports/record-store.ts";
import type { Deps } from "./deps.ts";
import { openGroup } from "./enqueue.ts";
import { type ItemStatus, SHOWN_STATUSES, type ShownStatus, statusOf } from "./inspect.ts";
import { readLive } from "./live.ts";
import { endedGroup } from "./session.ts";

export interface ListOptions {
  /** Default all. */
  readonly status?: ShownStatus;
  readonly engine?: string;
  readonly tenant?: string;
  /** Every one must match. */
  readonly labels?: Readonly<Record<string, string>>;
  /** 1 to 1,000; default 50. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
const ENDED: readonly ShownStatus[] = ["completed", "failed", "cancelled", "dead_lettered"];

/** Newest first. A page may be short of `limit` while `next` is not null: filters apply after the read. */
export async function listItems(deps: Deps, options: ListOptions): Promise<Page<ItemStatus>> {
  const { status, limit = DEFAULT_LIMIT } = options;
  if (status !== undefined && !SHOWN_STATUSES.includes(status))
    throw new InvalidArgumentError("status", SHOWN_STATUSES.join(", "), status);
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidArgumentError("limit", `1 to ${MAX_LIMIT}`, limit);
  const group = status !== undefined && ENDED.includes(status) ? endedGroup(deps.namespace, status) : openGroup(deps.namespace);
  const found: ItemStatus[] = [];
  let after = options.after ?? null;
  do {
    const page = await deps.store.list({ group, limit: limit - found.length, after });
    const items = await Promise.all(page.entries.map((entry) => readOne(deps, entry.partition)));
    found.push(...items.filter((item) => item !== null && matches(item, options)).filter((item) => item !== null));
    after = page.next;
  } while (after !== null && found.length < limit);
  return { entries: found, next: after };
}

async function readOne(deps: Deps, partition: string): Promise<ItemStatus | null> {
  const at = parseItemPartition(partition);
  if (at === null) return null;
  const live = await readLive(deps, at.workId);
  return live.item === null ? null : statusOf(deps, live);
}
function matches(item: ItemStatus, options: ListOptions): boolean {
  if (options.status !== undefined && item.status !== options.status) return false;
  if (options.engine !== undefined && item.engine !== options.engine) return false;
  if (options.tenant !== undefined && item.tenant !== options.tenant) return false;
  return Object.entries(options.labels ?? {}).every(([name, value]) => item.labels[name] === value);
}
