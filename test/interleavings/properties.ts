/** What must hold of every write, and what must hold once everything has come to rest. */

import type { StepCtx } from "../../src/domain/engine.ts";
import { COMMAND_RANGE, DUE_KEY, HEAD_KEY, INBOX_RANGE, ITEM_KEY, KEY_KEY, LEASE_KEY } from "../../src/domain/keys.ts";
import { ALARM_OWED_MS } from "../../src/domain/limits.ts";
import type { RecordDraft, StoredRecord } from "../../src/ports/record-store.ts";
import { decodeHint } from "../../src/wire/hint.ts";
import { Violation, type World } from "./world.ts";

function field(record: Pick<StoredRecord, "body"> | null, name: string): number {
  const value = record?.body[name];
  return typeof value === "number" ? value : 0;
}
function statusOf(record: Pick<StoredRecord, "body"> | null): string {
  const status = record?.body["status"];
  return typeof status === "object" && status !== null && "kind" in status ? String(status["kind"]) : "ready";
}
const ENDED = ["completed", "failed", "cancelled", "dead_lettered"];

/** G1, G4: one line of versions, each under a token that does not fall back; a live lease is nobody else's. */
export function checkWrite(world: World, draft: RecordDraft, before: StoredRecord | null): void {
  const { partition, sort } = draft;
  const find = (key: string): StoredRecord | null => world.records.find(partition, key);
  if (sort === HEAD_KEY) {
    const [from, to] = [field(before, "version"), field(draft, "version")];
    if (to !== from && to !== from + 1) throw new Violation(`G1: version ${to} of ${partition} follows ${from}`);
    if (field(draft, "token") < field(before, "token")) throw new Violation(`G4: token ${field(draft, "token")} commits late`);
    checkSleep(world, draft, before);
    if (draft.body["released"] === true) giveBack(world, draft);
    if (ENDED.includes(statusOf(before)) && draft.body["status"] !== undefined && to !== from)
      throw new Violation(`G1: an ended item of ${partition} goes on`);
  }
  if (sort === LEASE_KEY && world.acting !== null) world.acting.token = field(draft, "token");
  if (sort === LEASE_KEY && before !== null && field(before, "token") !== field(draft, "token")) {
    const head = find(HEAD_KEY);
    const released = head?.body["released"] === true && field(head, "token") >= field(before, "token");
    const holder = String(before.body["holder"]);
    const isLive = !released && field(before, "expires") > world.clock.nowMs() && !world.isDead(holder);
    if (isLive && holder !== draft.body["holder"]) throw new Violation(`G4: a live lease of ${holder} is taken over`);
  }
  if (sort === LEASE_KEY && field(before, "token") !== field(draft, "token")) checkHint(world, draft, before);
}

/** An attempt that a release takes off the record, for its effect is in doubt or its worker leaves, may run once more. */
function giveBack(world: World, { partition, body }: RecordDraft): void {
  const next = Number(body["attempt"] ?? 0) + 1;
  const name = `${partition.slice(partition.indexOf("/") + 1)} ${body["version"] ?? 0}.${next}`;
  for (const isRedriven of [true, false]) world.begun.delete(`${name} ${isRedriven}`);
}

/** G7: a sleeper sleeps until its instant, unless it ends; and a pause lasts until a command ends it. */
function checkSleep(world: World, draft: RecordDraft, before: StoredRecord | null): void {
  const [was, is] = [statusOf(before), statusOf(draft)];
  if (before === null || was === is || is !== "ready" || draft.body["recovery"] !== undefined) return;
  const status = before.body["status"];
  const wakeAtMs = typeof status === "object" && status !== null && "wakeAtMs" in status ? Number(status["wakeAtMs"]) : 0;
  if (was === "sleeping" && wakeAtMs > world.clock.nowMs())
    throw new Violation(`G7: ${draft.partition} is woken ${wakeAtMs - world.clock.nowMs()} ms before its time`);
  if (was === "paused" && draft.body["consumed"] === undefined) throw new Violation(`${draft.partition} goes on unasked`);
}

/** Copies die out: a free item that is ready is claimed by a hint of its snapshot, or by what LEASE names. */
function checkHint(world: World, draft: RecordDraft, before: StoredRecord | null): void {
  const { partition } = draft;
  const head = world.records.find(partition, HEAD_KEY);
  const isFree = before === null || isReleased(head, before);
  const isTold = [...(world.records.partitions.get(partition)?.keys() ?? [])].some((sort) => sort.startsWith(COMMAND_RANGE.from));
  if (statusOf(head) !== "ready" || !isFree || isTold || before?.body["message"] === draft.body["message"]) return;
  const hint = hintOf(world.messages.broker.entries.get(String(draft.body["message"]))?.body);
  if (hint !== null && isOlder(hint, head)) throw new Violation(`bound: a hint of version ${hint.version} claims ${partition}`);
}
function isReleased(head: StoredRecord | null, lease: StoredRecord): boolean {
  return head?.body["released"] === true && field(head, "token") >= field(lease, "token");
}
interface HintView {
  readonly workId: string;
  readonly version: number;
  readonly token: number;
}
/** Null for a command's. */
function hintOf(body: string | undefined): HintView | null {
  if (body === undefined) return null;
  const { workId, version, token } = decodeHint(body);
  return version === null ? null : { workId, version, token: token ?? 0 };
}
function isOlder({ version, token }: HintView, head: StoredRecord | null): boolean {
  return version < field(head, "version") || (version === field(head, "version") && token < field(head, "token"));
}

/**
 * Nobody can go on at this instant, and somebody has nothing in hand. G3: they hold no lease, for which others would wait.
 * And copies have died out: what is hidden is what somebody works on, or will wake an item from its very snapshot. Where
 * messages came back from hands that were at work (`isCalm` is false), these are hidden, too, once more.
 */
export function checkRest(world: World, isCalm: boolean): void {
  if (![...world.actors.values()].some(world.isIdle)) return;
  for (const { partition, workId, settled } of itemsOf(world)) {
    const [head, lease] = [world.records.find(partition, HEAD_KEY), world.records.find(partition, LEASE_KEY)];
    const isHeld = lease !== null && !isReleased(head, lease) && field(lease, "expires") > world.clock.nowMs();
    const holder = world.actors.get(String(lease?.body["holder"]));
    if (isHeld && !settled && holder !== undefined && world.isIdle(holder))
      throw new Violation(`G3: ${holder.name} has nothing in hand and holds the lease of ${workId}`);
    for (const { id, body, receiveCount } of isCalm ? world.messages.all() : []) {
      if (receiveCount === 0 || decodeHint(body).workId !== workId || id === lease?.body["message"]) continue;
      const hint = hintOf(body);
      if (isHeld || hint === null || isOlder(hint, head))
        throw new Violation(`bound: ${body} of ${workId}, which is ${statusOf(head)}, does not die out`);
    }
  }
}

/**
 * G2: whoever runs a step does so at an attempt that is on record by then, and of its own. G4: and after whoever claimed the item before
 * has released it, or is fenced out of HEAD. Called first in a step.
 */
export function checkAttempt(world: World, ctx: Pick<StepCtx, "workId" | "step" | "attempt"> & { wake: { kind: string } }): void {
  const partition = `test/${ctx.workId}`;
  // A redrive begins anew with attempts.
  const name = `${ctx.workId} ${ctx.step}.${ctx.attempt} ${ctx.wake.kind === "resumed"}`;
  if (world.begun.has(name)) throw new Violation(`G2: attempt ${ctx.attempt} of step ${ctx.step} runs twice`);
  world.begun.add(name);
  const [head, lease] = [world.records.find(partition, HEAD_KEY), world.records.find(partition, LEASE_KEY)];
  const version = field(head, "version");
  const token = world.acting?.token ?? 0;
  const fenced = field(head, "token") >= token || (head?.body["released"] === true && field(head, "token") === token - 1);
  if (token > 1 && !fenced) throw new Violation(`G4: a step runs under token ${token}, HEAD is of ${field(head, "token")}`);
  // A later worker has gone on meanwhile: this one cannot commit any more.
  if (version > ctx.step) return;
  const ofLease = lease !== null && field(lease, "version") === version ? field(lease, "attempt") : 0;
  const onRecord = Math.max(field(head, "attempt"), ofLease);
  if (version !== ctx.step) throw new Violation(`G1: step ${ctx.step} runs at version ${version}`);
  if (onRecord < ctx.attempt) throw new Violation(`G2: attempt ${ctx.attempt} of step ${ctx.step} runs, ${onRecord} on record`);
}

export interface ItemView {
  readonly workId: string;
  readonly partition: string;
  readonly status: string;
  /** It has ended, and what follows an end is done. */
  readonly settled: boolean;
  /** Somebody has to look at it. */
  readonly owed: boolean;
  /** It waits, nothing has come in, and its alarm is set. */
  readonly atRest: boolean;
}
export function itemsOf(world: World): ItemView[] {
  const items: ItemView[] = [];
  for (const [partition, records] of world.records.partitions) {
    if (!records.has(ITEM_KEY)) continue;
    const status = statusOf(records.get(HEAD_KEY) ?? null);
    const why = records.get(DUE_KEY)?.body["why"];
    const settled = ENDED.includes(status) && (why === "retention" || why === "collect");
    const unread = [...records.keys()].some((sort) => sort.startsWith(INBOX_RANGE.from) || sort.startsWith(COMMAND_RANGE.from));
    const owed = unread || status === "ready" || status === "closing";
    const atRest = status === "waiting" && !unread && records.get(DUE_KEY)?.due !== null;
    items.push({ workId: partition.slice(partition.indexOf("/") + 1), partition, status, settled, owed, atRest });
  }
  return items;
}

/** G1 in the history, G3: everything has ended, what follows an end is done, and no message is left. */
export async function checkEnd(world: World, mayWait: boolean): Promise<void> {
  for (const { workId, status, settled, atRest } of itemsOf(world)) {
    if (!settled && !(mayWait && atRest)) throw new Violation(`G3: ${workId} is ${status} for ever`);
    checkKey(world, workId, settled);
    const { version } = await world.client.status(workId);
    const line: number[] = [];
    for await (const event of world.client.events(workId)) if (event.kind === "step") line.push(event.version);
    if (line.join() !== Array.from({ length: version }, (_, i) => i + 1).join())
      throw new Violation(`G1: the history of ${workId} at version ${version} has the steps ${line.join(", ")}`);
  }
  const left = world.messages.all();
  if (left.length > 0) throw new Violation(`${left.length} messages are left: ${left.map(({ body }) => body).join(" ")}`);
}

/** G5: a key is told until when its item is remembered, by every end that it comes to. */
function checkKey(world: World, workId: string, settled: boolean): void {
  const until = field(world.records.find(`test/${workId}`, HEAD_KEY), "remembered");
  for (const [partition, records] of world.records.partitions) {
    const key = partition.startsWith("test/KEY/") ? (records.get(KEY_KEY) ?? null) : null;
    if (settled && key?.body["work"] === workId && field(key, "remembered") !== until)
      throw new Violation(`G5: ${workId} is remembered until ${until}, and its key until ${field(key, "remembered")}`);
  }
}

/**
 * G3: nothing that is owed waits for long, should nobody be left who knows of it. What a caller had begun to send when it
 * died may wait: it was told to nobody that it was sent.
 */
export function checkAlarm(world: World, ms: number): void {
  if ([...world.actors.values()].some(({ isWorker, state }) => !isWorker && state === "dead")) return;
  for (const { workId, status, owed, settled } of itemsOf(world)) {
    if (owed && !settled && ms > ALARM_OWED_MS)
      throw new Violation(`G3: ${workId} is ${status}, and the alarm rings in ${ms} ms`);
  }
}

/** The earliest alarm of an item that has not come to its end; null when none is set. */
export function nextAlarm(world: World, mayWait: boolean): { atMs: number; partition: string } | null {
  let next: { atMs: number; partition: string } | null = null;
  for (const { partition, settled, atRest } of itemsOf(world)) {
    const due = world.records.find(partition, DUE_KEY)?.due ?? null;
    if (!settled && !(mayWait && atRest) && due !== null && (next === null || due.atMs < next.atMs))
      next = { atMs: due.atMs, partition };
  }
  return next;
}
