/** A queue in memory, for tests and simulation: the behaviour of the embedded one, without a file. */
import type { Clock } from "../../ports/clock.ts";
import type { ProcessTable } from "../../ports/process-table.ts";
import type { Lane, Message, ReceiveOptions, SendOptions, WorkQueue } from "../../ports/work-queue.ts";
import { type Bell, createBell, longPoll } from "../shared/long-poll.ts";
import type { BuriedMessage, MessageCounts, OperatorReads } from "../shared/operator-reads.ts";
import { checkDelay, createLaneRota, isVisible } from "../shared/queue-order.ts";
import { type Intercept, intercepted } from "./intercept.ts";
import { createMemoryLane, type MemoryLane } from "./lane.ts";

/** How often a waiting receiver looks for messages of processes that have ended. */
const LOOK_MS = 250;

interface Entry {
  readonly id: string;
  readonly body: string;
  readonly lane: Lane;
  readonly tenant: string;
  /** Null while it stands in its lane. */
  visibleAtMs: number | null;
  receiveCount: number;
  receiver: string | null;
}

/** What all processes see of one queue. */
export interface MemoryBroker {
  readonly entries: Map<string, Entry>;
  readonly lanes: Readonly<Record<Lane, MemoryLane<Entry>>>;
  readonly buried: BuriedMessage[];
  readonly bell: Bell;
  sent: number;
}

export function createMemoryBroker(): MemoryBroker {
  const lanes = { high: createMemoryLane<Entry>(), normal: createMemoryLane<Entry>(), low: createMemoryLane<Entry>() };
  return { entries: new Map(), lanes, buried: [], bell: createBell(), sent: 0 };
}

export interface MemoryQueueDeps {
  readonly clock: Clock;
  readonly processes: ProcessTable;
  /** The same one for every process of a simulation. */
  readonly broker?: MemoryBroker;
  readonly intercept?: Intercept;
}

export function createMemoryQueue(deps: MemoryQueueDeps): WorkQueue & OperatorReads {
  const { clock, processes, broker = createMemoryBroker() } = deps;
  const { bell } = broker;
  const rota = createLaneRota();
  const take = async (options: ReceiveOptions): Promise<readonly Message[]> => {
    promote(broker, clock.nowMs(), processes);
    const taken: Message[] = [];
    while (taken.length < options.max) {
      const entry = rota.next(options.lanes, (lane) => broker.lanes[lane].take());
      if (entry === null) break;
      taken.push(deliver(entry, clock.nowMs() + options.visibilityMs, processes.self));
    }
    return taken;
  };
  const queue: WorkQueue & OperatorReads = {
    async send(body, options) {
      checkDelay(options.delayMs);
      add(broker, body, options, clock.nowMs());
      bell.ring();
    },
    receive: (options) =>
      longPoll({ clock, bell, take: () => take(options), pauseMs: () => nextInMs(broker, clock.nowMs()) }, options),
    async hide(message, delayMs) {
      checkDelay(delayMs);
      const entry = held(broker, message);
      if (entry === null) return;
      broker.lanes[entry.lane].remove(entry.tenant, entry);
      entry.visibleAtMs = clock.nowMs() + delayMs;
      entry.receiver = delayMs > 0 ? processes.self : null;
      bell.ring();
    },
    async remove(message) {
      forget(broker, held(broker, message));
    },
    async bury(message, reason) {
      const entry = held(broker, message);
      if (entry === null) return;
      broker.buried.push({ id: entry.id, body: entry.body, reason, atMs: clock.nowMs() });
      forget(broker, entry);
    },
    countMessages: async () => countMessages(broker, clock.nowMs()),
    buried: async (limit) => broker.buried.toReversed().slice(0, limit),
  };
  return intercepted("queue", queue, deps.intercept);
}

function add(broker: MemoryBroker, body: string, { delayMs, lane, tenant }: SendOptions, nowMs: number): void {
  const id = `m${++broker.sent}`;
  const entry: Entry = { id, body, lane, tenant, visibleAtMs: null, receiveCount: 0, receiver: null };
  broker.entries.set(id, entry);
  if (delayMs > 0) entry.visibleAtMs = nowMs + delayMs;
  else broker.lanes[lane].add(tenant, entry);
}

function promote({ entries, lanes }: MemoryBroker, nowMs: number, { self, isGone }: ProcessTable): void {
  const due = [...entries.values()].filter(
    ({ visibleAtMs, receiver }) =>
      visibleAtMs !== null && (isVisible(visibleAtMs, nowMs) || (receiver !== null && receiver !== self && isGone(receiver))),
  );
  for (const entry of due.sort((a, b) => (a.visibleAtMs ?? 0) - (b.visibleAtMs ?? 0))) {
    entry.visibleAtMs = null;
    entry.receiver = null;
    lanes[entry.lane].add(entry.tenant, entry);
  }
}

function deliver(entry: Entry, visibleAtMs: number, receiver: string): Message {
  entry.visibleAtMs = visibleAtMs;
  entry.receiver = receiver;
  entry.receiveCount++;
  return { id: entry.id, body: entry.body, receiveCount: entry.receiveCount, receipt: receiptOf(entry) };
}
function receiptOf({ id, receiveCount }: Entry): string {
  return `${id}/${receiveCount}`;
}
/** Null for a stale receipt. */
function held({ entries }: MemoryBroker, { id, receipt }: Message): Entry | null {
  const entry = entries.get(id);
  return entry !== undefined && receiptOf(entry) === receipt ? entry : null;
}
function forget({ entries, lanes }: MemoryBroker, entry: Entry | null): void {
  if (entry === null) return;
  entries.delete(entry.id);
  lanes[entry.lane].remove(entry.tenant, entry);
}

/** Null when only a ring can bring something. */
function nextInMs({ entries }: MemoryBroker, nowMs: number): number | null {
  let pauseMs: number | null = null;
  for (const { visibleAtMs, receiver } of entries.values()) {
    if (visibleAtMs === null) continue;
    const inMs = Math.min(visibleAtMs - nowMs, receiver === null ? Number.POSITIVE_INFINITY : LOOK_MS);
    pauseMs = Math.max(0, Math.min(inMs, pauseMs ?? inMs));
  }
  return pauseMs;
}

function countMessages({ entries, buried }: MemoryBroker, nowMs: number): MessageCounts {
  const counts = { visible: 0, delayed: 0, inFlight: 0, buried: buried.length };
  for (const { visibleAtMs, receiver } of entries.values()) {
    if (visibleAtMs === null || isVisible(visibleAtMs, nowMs)) counts.visible++;
    else if (receiver === null) counts.delayed++;
    else counts.inFlight++;
  }
  return counts;
}
