/** Follows every item by the writes that were applied, and holds each against the invariants at once. */
import type { PortCall } from "../../adapters/memory/intercept.ts";
import { type Head, initialHead, isEnded, STEP_NAME } from "../../domain/head.ts";
import { parseItemPartition } from "../../domain/ids.ts";
import { COMMAND_RANGE, DUE_KEY, HEAD_KEY, INBOX_RANGE, ITEM_KEY, LEASE_KEY } from "../../domain/keys.ts";
import { type Lease, leaseState, leftNoOutcome } from "../../domain/lease.ts";
import type { RecordDraft, StoredRecord } from "../../ports/record-store.ts";
import { decodeDue } from "../../wire/due.ts";
import { decodeHead } from "../../wire/head.ts";
import { decodeItem } from "../../wire/item.ts";
import { decodeLease } from "../../wire/lease.ts";
import { ON_EFFECT, ON_HEAD, ON_LEASE, ON_LOOK, ON_REMOVE, ON_SEND, ON_STEP } from "./invariants.ts";
import type { SimProcess } from "./sim-process.ts";
import type { Observer, Stage } from "./stage.ts";
import { fieldOf } from "./trace.ts";
import type { StepBegin, StepObserver } from "./watch.ts";
import type { Claimed, RecordChange, Watched } from "./watched.ts";

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
  const { codec } = stage.environment.depsOf("witness");
  /** What a sender has put into an inbox, and not sent a hint for. */
  const unhinted = new Map<string, { readonly one: Watched; readonly sort: string }[]>();
  const claims = new WeakMap<StepBegin, Claimed>();
  let open = 0;

  function watched(partition: string): Watched | null {
    const known = items.get(partition);
    if (known !== undefined) return known;
    const at = parseItemPartition(partition);
    if (at === null) return null;
    const fresh: Watched = {
      partition,
      workId: at.workId,
      ...{ item: null, head: null, lease: null, due: null },
      states: new Map(),
      claims: new Map(),
      grants: new Map(),
      inbox: new Map(),
      looks: new Map(),
      ...{ redrives: 0, claimedAtMs: 0, headWrites: 0, writes: 0, sends: 0, signals: 0, claimed: 0, steps: 0 },
    };
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

  async function written(who: string, draft: RecordDraft, revision: number): Promise<void> {
    const one = watched(draft.partition);
    if (one === null) return;
    const { sort } = draft;
    if (ITEM_SORTS.includes(sort)) one.writes += 1;
    const record: StoredRecord = { ...draft, revision };
    const clock = processes.get(who)?.clock ?? { nowMs: () => Math.floor(stage.nowMs()) };
    const change: RecordChange = { who, one, nowMs: clock.nowMs(), stage, isGone: (holder) => isGone(stage, holder, who) };
    const about = `${who}, ${sort} of ${draft.partition}`;
    if (!ITEM_SORTS.includes(sort)) {
      if (sort.startsWith(INBOX_RANGE.from) || sort.startsWith(COMMAND_RANGE.from)) cameIn(one, who, draft);
      return;
    }
    const wasOpen = isOpen(one);
    switch (sort) {
      case HEAD_KEY: {
        const next = await decodeHead(record, codec);
        hold(ON_HEAD, { ...change, next }, about);
        settle(one, next);
        break;
      }
      case LEASE_KEY: {
        const next = decodeLease(record);
        hold(ON_LEASE, { ...change, next }, about);
        claimed(change, next);
        break;
      }
      case DUE_KEY:
        one.due = decodeDue(record);
        break;
      default: {
        const at = parseItemPartition(draft.partition);
        if (at !== null) one.item = await decodeItem(record, at, codec);
      }
    }
    open += Number(isOpen(one)) - Number(wasOpen);
    if (sort === HEAD_KEY || sort === DUE_KEY) hold(ON_LOOK, { ...change }, about);
  }
  function cameIn(one: Watched, who: string, draft: RecordDraft): void {
    one.inbox.set(draft.sort, false);
    unhinted.set(who, [...(unhinted.get(who) ?? []), { one, sort: draft.sort }]);
    one.signals += 1;
    if (fieldOf(draft.body["command"], "kind") === "redrive") one.redrives += 1;
  }
  function settle(one: Watched, next: Head): void {
    one.headWrites += 1;
    if (next.state?.kind === "inline") one.states.set(next.version, next.state.json);
    one.states.delete(next.version - 4);
    const claim = one.claims.get(next.token);
    if (claim !== undefined) claim.fenced = true;
    if (!next.released && claim !== undefined) grant(one, claim.who, next.version, next.attempt);
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
    const wasOpen = isOpen(one);
    if (sort.startsWith(INBOX_RANGE.from) || sort.startsWith(COMMAND_RANGE.from)) one.inbox.delete(sort);
    if (sort === ITEM_KEY) one.item = null;
    if (sort === DUE_KEY) one.due = null;
    open += Number(isOpen(one)) - Number(wasOpen);
  }
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
      const mine = unhinted.get(who) ?? [];
      for (const entry of mine) if (entry.one === one && one.inbox.has(entry.sort)) one.inbox.set(entry.sort, true);
      if (mine.length > 0)
        unhinted.set(
          who,
          mine.filter((entry) => entry.one !== one),
        );
      hold(ON_SEND, change, `${who}, hint for ${one.partition}`);
    } else {
      hold(ON_LOOK, change, `${who}, message of ${one.partition} removed`);
      hold(ON_REMOVE, change, `${who}, message of ${one.partition} removed`);
    }
  }
  stage.during = (who) => [...(running.get(who) ?? [])].map((step) => describeStep(step, items)).join(", ");
  return {
    items,
    open: () => open,
    running: (name) => running.get(name)?.size ?? 0,
    applied(who, call, answer) {
      if (call.port === "queue") {
        messages(who, call);
        return;
      }
      if (call.port !== "records") return;
      if (call.method === "read" && fieldOf(call.args[1], "from") === LEASE_KEY) {
        items.get(String(call.args[0]))?.looks.set(who, stage.scheduler.elapsedMs());
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
      const about = `${actor.name}, step ${step.version} attempt ${step.attempt} of ${workId}`;
      hold(
        ON_STEP,
        {
          step,
          one,
          stage,
          claim,
          beside: [...mine].map((other) => ({
            other,
            one: items.get(`${actor.deps.namespace}/${other.workId}`) ?? null,
            claim: claims.get(other) ?? null,
          })),
        },
        about,
      );
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
