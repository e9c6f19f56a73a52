/** The database, what waits in it, leases of the dead, and the clock. Reads only. */
import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../adapters/embedded/database.ts";
import { createEmbeddedRecordStore } from "../../adapters/embedded/record-store.ts";
import { createProcessTable } from "../../adapters/node/process-table.ts";
import { messageOf } from "../../domain/errors.ts";
import { HEAD_KEY, LEASE_KEY, LIVE_RANGE } from "../../domain/keys.ts";
import { leaseState } from "../../domain/lease.ts";
import { DAY_MS, MINUTE_MS } from "../../domain/limits.ts";
import { createCodec } from "../../wire/codec.ts";
import { decodeHead } from "../../wire/head.ts";
import { decodeLease } from "../../wire/lease.ts";
import { bytesText } from "../output/item.ts";
import { relative } from "../output/time.ts";
import type { Store } from "../store.ts";
import { type Check, isWritable, NOT_WRITABLE, notice, ok, wrong } from "./check.ts";

/** Leases looked at, newest first. */
const LEASES = 1_000;
const REASONS = 3;
const LIVE_RECORDS = 8;
/** The day of the first release that had a doctor: a clock before it was never set. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);

/** Before anything opens it for writing: what is wrong with the file itself. */
export function checkDatabase(path: string): Check {
  if (!existsSync(path)) return ok("database", "none yet", { path });
  if (!isWritable(path) || !isWritable(dirname(path)))
    return wrong("database", `${path} is not writable by this user`, NOT_WRITABLE, { path });
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
    try {
      const version = db.prepare("PRAGMA user_version").get()?.["user_version"];
      const answer = db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
      const data = { path, version, bytes: statSync(path).size, quickCheck: answer };
      if (answer === "ok") return ok("database", `${path}, schema version ${version}, ${bytesText(data.bytes)}, intact`, data);
      return wrong("database", `${path} is damaged: ${answer}`, `save what is left: sqlite3 ${path} .recover`, data);
    } finally {
      db.close();
    }
  } catch (thrown) {
    return wrong("database", `${path} cannot be read: ${messageOf(thrown)}`, "restore it from a copy, or name another home", {
      path,
    });
  }
}

export async function checkMessages(store: Store): Promise<Check> {
  const counts = await store.countMessages();
  const found = `${counts.visible} waiting, ${counts.delayed} delayed, ${counts.inFlight} in flight, ${counts.buried} buried`;
  if (counts.buried === 0) return ok("messages", found, { ...counts });
  const reasons = (await store.buried(REASONS)).map(({ reason }) => reason);
  const fix = `nobody could read them; the sweep sends new ones. Reasons: ${[...new Set(reasons)].join("; ")}`;
  return notice("messages", found, fix, { ...counts, reasons });
}

/** Held by a process that is gone, or not extended in time: the next claim takes them over by itself. */
export async function checkLeases(path: string): Promise<Check> {
  const database = openDatabase({ path });
  try {
    const store = createEmbeddedRecordStore({ database });
    const rows = database
      .prepare("SELECT partition FROM records WHERE sort = ? ORDER BY seq DESC LIMIT ?")
      .all(LEASE_KEY, LEASES);
    const partitions = rows.map((row) => String(row["partition"]));
    const states = await Promise.all(partitions.map((partition) => stateOf(store, partition)));
    const [held, dead] = ["held", "lapsed"].map((state) => states.filter((one) => one === state).length);
    const found = `${held} held, ${dead} left behind by dead or frozen workers`;
    if (dead === 0) return ok("leases", found, { held, dead });
    return notice("leases", found, "a worker takes them over: rookery worker", { held, dead });
  } finally {
    database.close();
  }
}
const processes = createProcessTable();
const codec = createCodec({ deflateFromBytes: Number.POSITIVE_INFINITY });

async function stateOf(store: ReturnType<typeof createEmbeddedRecordStore>, partition: string) {
  const records = await store.read(partition, LIVE_RANGE, LIVE_RECORDS);
  const [lease, head] = [LEASE_KEY, HEAD_KEY].map((sort) => records.find((record) => record.sort === sort));
  if (lease === undefined) return "free";
  const decoded = decodeLease(lease);
  if (head === undefined) return processes.isGone(decoded.holder) || decoded.expiresAtMs <= Date.now() ? "lapsed" : "held";
  return leaseState(decoded, await decodeHead(head, codec), Date.now(), processes.isGone(decoded.holder));
}

/** Deadlines, sleeps and leases compare stored instants with it (G7). */
export async function checkClock(store: Store | null): Promise<Check> {
  const nowMs = Date.now();
  const now = new Date(nowMs).toISOString();
  if (nowMs < EARLIEST_MS) return wrong("clock", `it says ${now}`, "set the clock of this machine", { now });
  const newest = (await store?.list({ limit: 1 }))?.entries[0];
  const aheadMs = newest === undefined ? 0 : newest.createdAtMs - nowMs;
  if (aheadMs < MINUTE_MS) return ok("clock", now, { now });
  const found = `it says ${now}, and the newest item was enqueued ${relative(newest?.createdAtMs ?? 0, nowMs)}`;
  const fix = "the clock was set back, or another process has another one: set it right";
  return aheadMs > DAY_MS ? wrong("clock", found, fix, { now, aheadMs }) : notice("clock", found, fix, { now, aheadMs });
}
