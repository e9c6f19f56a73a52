/** Follows every item by the writes that were applied, and holds each against the invariants at once. */
import type { PortCall } from "../../adapters/memory/intercept.ts";
import { type Head, initialHead, isEnded, STEP_NAME } from "../../domain/head.ts";
import { parseItemPartition } from "../../domain/ids.ts";
import { COMMAND_RANGE, DUE_KEY, HEAD_KEY, INBOX_RANGE, ITEM_KEY, LEASE_KEY, LIVE_RANGE } from "../../domain/keys.ts";
import { type Lease, leaseState, leftNoOutcome } from "../../domain/lease.ts";
import { ALARM_INBOX_MS } from "../../domain/limits.ts";
import type { RecordDraft, StoredRecord } from "../../ports/record-store.ts";
import { decodeDue } from "../../wire/due.ts";
import { decodeHead } from "../../wire/head.ts";
import { decodeItem } from "../../wire/item.ts";
import { decodeLease } from "../../wire/lease.ts";
import { ON_DUE, ON_EFFECT, ON_HEAD, ON_LEASE, ON_LOOK, ON_REMOVE, ON_SEND, ON_STEP } from "./invariants.ts";
import type { SimProcess } from "./sim-process.ts";
import type { Observer, Stage } from "./stage.ts";
import { fieldOf } from "./trace.ts";
import type { StepBegin, StepObserver } from "./watch.ts";
import { type Claimed, type RecordChange, unwatched, type Watched } from "./watched.ts";

export interface Witness extends Observer, StepObserver {
  readonly items: ReadonlyMap<string, Watched>;
  open(): number;
  /** Steps that run in a process. */
  running(name: string): number;
  /** The code of an effect begins. */
  acts(who: string, workId: string, fencingToken: number): void;
}

const ITEM_SORTS = [HEAD_KEY, LEASE_KEY, DUE_KEY, ITEM_KEY];

export function createWitness(stage: Stage, processes: ReadonlyMap<string, SimProcess>): Witness {
  const items = new Map<string, Watched>();
  const running = new Map<string, Set<StepBegin>>();
  const { records } = stage.environment;
  const { codec } = stage.environment.depsOf("witness");
  const claims = new WeakMap<StepBegin, Claimed>();
  let open = 0;

  function watched(partition: string): Watched | null {
    const known = items.get(partition);
    if (known !== undefined) return known;
    const at = parseItemPartition(partition);
    if (at === null) return null;
    const fresh = unwatched(partition, at.workId);
    items.set(partition, fresh);
    return fresh;
  }
  function hold<T>(checks: readonly { name: string; check(given: T): string | null }[], given: T, about: string): void {
    for (const { name, check } of checks) {
      const wrong = check(given);
      if (wrong !== null) stage.breakInvariant(name, `${wrong} (${about})`);
    }
  }
  const isOpen = ({ item, head }: Watched): boolean => item !== null && !(head !== null && isEnded(head.status));

  function written(who: string, draft: RecordDraft, revision: number): Promise<void> | void {
    const one = watched(draft.partition);
    if (one === null) return;
    const { sort } = draft;
    if (!ITEM_SORTS.includes(sort)) {
      if (sort.startsWith(INBOX_RANGE.from) || sort.startsWith(COMMAND_RANGE.from)) cameIn(one, who, draft);
      return;
    }
    const isBeat = sort === LEASE_KEY && fieldOf(draft.body, "token") === one.lease?.token;
    if (!isBeat) one.writes += 1;
    const record = recordOf(draft, revision);
    const change: RecordChange = { who, one, nowMs: nowOf(who), stage, isGone: (holder) => isGone(stage, holder, who) };
    const about = `${who}, ${sort} of ${draft.partition}`;
    switch (sort) {
      case HEAD_KEY:
        return decodeHead(record, codec).then(async (next) => {
          const missing = isOpen(one) ? await missingBlobs(draft.partition, next) : [];
          hold(ON_HEAD, { ...change, next, missing }, about);
          counted(one, () => settle(one, next));
          hold(ON_LOOK, change, about);
        });
      case LEASE_KEY: {
        const next = decodeLease(record);
        hold(ON_LEASE, { ...change, next }, about);
        claimed(change, next);
        return;
      }
      case DUE_KEY: {
        const next = decodeDue(record);
        hold(ON_DUE, { ...change, next }, about);
        one.due = next;
        one.dueBy = who;
        for (const arrived of one.inbox.values()) if (arrived.by === who) arrived.alarmed = true;
        hold(ON_LOOK, change, about);
        return;
      }
      default: {
        const at = parseItemPartition(draft.partition);
        if (at === null) return;
        return decodeItem(record, at, codec).then((item) => {
          counted(one, () => {
            one.item = item;
          });
        });
      }
    }
  }
  /** As it stands in the store, where it does. */
  function recordOf(draft: RecordDraft, revision: number): StoredRecord {
    const record = records.find(draft);
    return record?.writeId === draft.writeId ? record : { ...draft, revision };
  }
  /** Keeps count of those that are open. */
  function counted(one: Watched, change: () => void): void {
    const wasOpen = isOpen(one);
    change();
    open += Number(isOpen(one)) - Number(wasOpen);
  }
  function cameIn(one: Watched, who: string, draft: RecordDraft): void {
    const name = draft.sort.startsWith(COMMAND_RANGE.from) ? null : String(draft.body["name"]);
    one.inbox.set(draft.sort, { by: who, name, alarmed: false, hinted: false });
    one.signals += 1;
    if (fieldOf(draft.body["command"], "kind") === "redrive") one.redrives += 1;
  }
  /** Of the values that a snapshot refers to. */
  async function missingBlobs(partition: string, { state, payload, status }: Head): Promise<readonly string[]> {
    const values = [state, payload, "result" in status ? status.result : null];
    const digests = values.flatMap((value) => (value?.kind === "blob" ? [value.digest] : []));
    const found = await Promise.all(digests.map((digest) => stage.environment.blobs.head(partition, digest)));
    return digests.filter((_, i) => found[i] === null);
  }
  function settle(one: Watched, next: Head): void {
    one.headWrites += 1;
    if (next.state?.kind === "inline") one.states.set(next.version, next.state.json);
    one.states.delete(next.version - 4);
    const claim = one.claims.get(next.token);
    if (claim !== undefined) claim.fenced = true;
    if (!next.released && claim !== undefined) grant(one, claim.who, next.version, next.attempt);
    const beneath = next.status.kind === "paused" ? next.status.beneath : next.status;
    if (beneath.kind === "sleeping") one.asleep = { version: next.version, wakeAtMs: beneath.wakeAtMs };
    // Or awake by the clock of whoever says so.
    else if (isEnded(next.status) || next.updatedAtMs >= (one.asleep?.wakeAtMs ?? 0)) one.asleep = null;
    for (const name of [`${next.version - 4} false`, `${next.version - 4} true`]) one.wakes.delete(name);
    one.head = next;
  }
  function claimed({ who, one, nowMs, isGone: gone }: RecordChange, next: Lease): void {
    const before = one.lease;
    one.lease = next;
    if (before !== null && before.token === next.token) return;
    const head = one.head ?? (one.item === null ? null : initialHead(one.item));
    const lapsed = head !== null && before !== null && leaseState(before, head, nowMs, gone(before.holder)) !== "free";
    const suspect = lapsed && leftNoOutcome(head, before);
    one.claimed += 1;
    one.claimedAtMs = stage.scheduler.elapsedMs();
    one.claims.set(next.token, {
      who,
      token: next.token,
      mustFence: lapsed,
      fenced: false,
      suspectAt: suspect ? next.version : null,
      company: false,
    });
    if (next.attempt !== null) grant(one, who, next.version, next.attempt);
  }
  function grant(one: Watched, who: string, version: number, attempt: number): void {
    const name = `${who} ${version} ${attempt}`;
    one.grants.set(name, (one.grants.get(name) ?? 0) + 1);
  }
  function removed(draft: { readonly partition: string; readonly sort: string }): void {
    const one = watched(draft.partition);
    if (one === null) return;
    const { sort } = draft;
    counted(one, () => {
      if (sort.startsWith(INBOX_RANGE.from) || sort.startsWith(COMMAND_RANGE.from)) one.inbox.delete(sort);
      if (sort === ITEM_KEY) one.item = null;
      if (sort === DUE_KEY) one.due = null;
    });
  }
  function look(one: Watched, who: string, from: unknown): void {
    const atMs = stage.scheduler.elapsedMs();
    const head = one.head ?? (one.item === null ? null : initialHead(one.item));
    if (from === LEASE_KEY) one.looks.set(who, atMs);
    else if (from === LIVE_RANGE.from && head !== null) {
      const unread = [...one.inbox].filter(([sort, { name }]) => name === null && !head.consumed.includes(sort));
      one.sights.set(who, { atMs, head, lease: one.lease, due: one.due, commands: unread.length });
    } else if (from === DUE_KEY && one.inbox.size > 0) {
      // A sender leaves an alarm as it is that is early enough, and has not passed.
      const inMs = (one.due?.atMs ?? Number.POSITIVE_INFINITY) - nowOf(who);
      if (inMs <= 0 || inMs > ALARM_INBOX_MS) return;
      for (const arrived of one.inbox.values()) if (arrived.by === who) arrived.alarmed = true;
    }
  }
  const nowOf = (who: string): number => (processes.get(who)?.clock ?? { nowMs: () => Math.floor(stage.nowMs()) }).nowMs();
  function ofMessage(body: unknown): Watched | null {
    const parsed: unknown = JSON.parse(String(body));
    return items.get(`${String(fieldOf(parsed, "ns"))}/${String(fieldOf(parsed, "id"))}`) ?? null;
  }
  function messages(who: string, { method, args }: PortCall): void {
    const body = method === "send" ? args[0] : method === "remove" ? fieldOf(args[0], "body") : null;
    if (body === null) return;
    const one = ofMessage(body);
    if (one === null) return;
    const change: RecordChange = { who, one, nowMs: Math.floor(stage.nowMs()), stage, isGone: () => false };
    if (method === "send") {
      one.sends += 1;
      hold(ON_SEND, change, `${who}, hint for ${one.partition}`);
      for (const arrived of one.inbox.values()) if (arrived.by === who) arrived.hinted = true;
    } else {
      hold(ON_LOOK, change, `${who}, message of ${one.partition} removed`);
      hold(ON_REMOVE, { ...change, messageId: String(fieldOf(args[0], "id")) }, `${who}, message of ${one.partition} removed`);
    }
  }
  stage.during = (who) => [...(running.get(who) ?? [])].map((step) => describeStep(step, items)).join(", ");
  return {
    items,
    open: () => open,
    running: (name) => running.get(name)?.size ?? 0,
    called(who, { method, args }) {
      if (method === "send") ofMessage(args[0])?.sentAtMs.set(who, stage.scheduler.elapsedMs());
    },
    applied(who, call, answer) {
      if (call.port === "queue") {
        messages(who, call);
        return;
      }
      if (call.port !== "records") return;
      if (call.method === "read") {
        const one = items.get(String(call.args[0]));
        if (one !== undefined) look(one, who, fieldOf(call.args[1], "from"));
        return;
      }
      if (fieldOf(answer, "ok") !== true) return;
      const [first] = call.args;
      // A record store's own types: what was intercepted is its call.
      if (call.method === "write") return written(who, first as RecordDraft, Number(fieldOf(answer, "revision")));
      if (call.method === "remove") removed(first as RecordDraft);
      return;
    },
    began(step) {
      const { actor, workId } = step;
      const mine = running.get(actor.name) ?? new Set<StepBegin>();
      running.set(actor.name, mine);
      const one = items.get(`${actor.deps.namespace}/${workId}`);
      if (one === undefined) return;
      one.steps += 1;
      const claim = claimOf(one, step);
      if (claim !== null) claims.set(step, claim);
      const beside = [...mine].map((other) => ({
        other,
        one: items.get(`${actor.deps.namespace}/${other.workId}`) ?? null,
        claim: claims.get(other) ?? null,
      }));
      const about = `${actor.name}, step ${step.version} attempt ${step.attempt} of ${workId}`;
      hold(
        ON_STEP,
        {
          step,
          one,
          stage,
          claim,
          beside,
        },
        about,
      );
      // By this clock it is over, whatever another one says.
      one.asleep = null;
      for (const near of beside.filter(({ other }) => other.workId !== workId)) {
        if (claim !== null) claim.company = true;
        if (near.claim !== null) near.claim.company = true;
      }
      mine.add(step);
    },
    acts(who, workId, fencingToken) {
      for (const one of items.values()) {
        if (one.workId === workId) hold(ON_EFFECT, { one, who, fencingToken }, `${who}, effect of ${workId}`);
      }
    },
    ended(step) {
      running.get(step.actor.name)?.delete(step);
    },
  };
}

/** HEAD's, where it is one of the process that goes on inline; else the process's latest. */
function claimOf({ head, claims }: Watched, { actor, version }: StepBegin): Claimed | null {
  const inline = head !== null && head.version === version && !head.released ? (claims.get(head.token) ?? null) : null;
  if (inline?.who === actor.name) return inline;
  let last: Claimed | null = null;
  for (const claim of claims.values()) if (claim.who === actor.name) last = claim;
  return last;
}
function describeStep({ actor, workId, attempt }: StepBegin, items: ReadonlyMap<string, Watched>): string {
  const one = items.get(`${actor.deps.namespace}/${workId}`);
  return `step "${one?.head?.step ?? STEP_NAME}" (attempt ${attempt}) of ${one?.item?.engine ?? "item"} ${workId}`;
}
function isGone(stage: Stage, holder: string, seenBy: string): boolean {
  return stage.environment.machine.tableOf(seenBy).isGone(holder);
}
