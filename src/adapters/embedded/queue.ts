/**
 * A queue in SQLite, shared by the processes of one machine. A queue sees only its namespace.
 *
 * Receiving costs steps down an index per message, whatever waits: visible messages stand in an index in the order of
 * their turns, hidden ones in another by instant, from which a bounded number is moved over by each receive. An empty
 * queue is looked at and never written to.
 */
import { QueueUnavailableError } from "../../domain/errors.ts";
import { LANES, type Lane } from "../../domain/lane.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ProcessTable } from "../../ports/process-table.ts";
import type { Random } from "../../ports/random.ts";
import type { Message, ReceiveOptions, SendOptions, WorkQueue } from "../../ports/work-queue.ts";
import { type Bell, createBell, longPoll } from "../shared/long-poll.ts";
import type { OperatorReads } from "../shared/operator-reads.ts";
import { checkDelay, createLaneRota, FAR_AHEAD_MS, turnAfter } from "../shared/queue-order.ts";
import type { Database } from "./database.ts";
import { createOperatorReads } from "./operator-reads.ts";
import { prepareQueueStatements, type QueueStatements } from "./queue-statements.ts";
import { createReceiverWatch } from "./receiver-watch.ts";
import { numberOf, orNull, type Row, textOf } from "./row.ts";

/** How often to look while the file is busy; a quiet one reports its next change by itself. */
const LOOK_MS = 10;
/** How often to look when nothing was reported: for processes that have died, and as a safety net. */
const QUIET_LOOK_MS = 250;
/** Messages that one receive makes visible at the most: a thousand that wake at once are spread over a few receives. */
const PROMOTE_MAX = 256;
const ID_BYTES = 9;

export interface EmbeddedQueueDeps {
  readonly database: Database;
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly processes: ProcessTable;
}

export function createEmbeddedQueue(deps: EmbeddedQueueDeps): WorkQueue & OperatorReads {
  const { database, namespace, clock, processes } = deps;
  const sql = prepareQueueStatements(database);
  const unavailable = (cause: unknown) => new QueueUnavailableError(`queue ${namespace} in ${database.path}`, cause);
  const write = <T>(operation: () => T): Promise<T> => database.group.submit(operation, unavailable);
  const read = <T>(operation: () => T): T => database.read(operation, unavailable);
  const held = ({ id, receipt }: Message) => heldBy(namespace, id, receipt);
  const nextId = createIds(deps.random);
  const bell = createBell();
  const receivers = createReceiverWatch({ sql, namespace, clock, processes, read, write });
  const changes = createChanges(deps, bell);
  const receiver = createReceiver(deps, sql);
  return {
    async send(body, options) {
      checkDelay(options.delayMs);
      await write(() => insert(sql, namespace, { id: nextId(), body, nowMs: clock.nowMs(), ...options }));
      bell.ring();
    },
    receive(options) {
      let pauseMs = LOOK_MS;
      const take = async (): Promise<readonly Message[]> => {
        await receivers.releaseGone();
        const lookMs = changes.willBeReported() ? QUIET_LOOK_MS : LOOK_MS;
        const nextMs = read(() => receiver.nextInMs(options.lanes));
        pauseMs = Math.min(lookMs, nextMs ?? lookMs);
        return nextMs !== null && nextMs <= 0 ? write(() => receiver.take(options)) : [];
      };
      return longPoll({ clock, bell, take, pauseMs: () => pauseMs }, options);
    },
    async hide(message, delayMs) {
      checkDelay(delayMs);
      const holder = delayMs > 0 ? processes.self : null;
      await write(() => sql.hide.run(clock.nowMs() + delayMs, holder, ...held(message)));
      if (delayMs === 0) bell.ring();
    },
    async remove(message) {
      await write(() => sql.remove.run(...held(message)));
    },
    async bury(message, reason) {
      await write(() => {
        sql.bury.run(reason, clock.nowMs(), ...held(message));
        sql.remove.run(...held(message));
      });
    },
    ...createOperatorReads({ sql, namespace, clock, read }),
  };
}

/** Rings when the file changes. Asked to before a look, so that no change falls between the two. */
function createChanges({ database, clock }: EmbeddedQueueDeps, bell: Bell) {
  let changedAtMs = Number.NEGATIVE_INFINITY;
  const watch = database.watch(() => {
    changedAtMs = clock.nowMs();
    bell.ring();
  });
  return { willBeReported: () => Math.abs(clock.nowMs() - changedAtMs) >= LOOK_MS && watch.arm() };
}

/** No two messages of a file have the same id, whichever process sent them: leases name them long after. */
function createIds(random: Random): () => string {
  const prefix = Buffer.from(random.bytes(ID_BYTES)).toString("hex");
  let count = 0;
  return () => `${prefix}${(count++).toString(36)}`;
}

interface NewMessage extends SendOptions {
  readonly id: string;
  readonly body: string;
  readonly nowMs: number;
}
function insert(sql: QueueStatements, namespace: string, { id, body, nowMs, delayMs, lane, tenant }: NewMessage): void {
  const ready = delayMs === 0;
  const turn = ready ? nextTurn(sql, namespace, lane, tenant) : 0;
  sql.insert.run(id, namespace, lane, tenant, ready ? 1 : 0, turn, nowMs + delayMs, body);
}
function nextTurn(sql: QueueStatements, namespace: string, lane: string, tenant: string): number {
  const lowest = sql.lowestOfLane.get(namespace, lane);
  if (lowest === undefined) return turnAfter(null, null);
  const last = sql.lastOfTenant.get(namespace, lane, tenant);
  return turnAfter(numberOf(lowest["turn"]), last === undefined ? null : numberOf(last["turn"]));
}

function createReceiver({ namespace, clock, processes }: EmbeddedQueueDeps, sql: QueueStatements) {
  const rota = createLaneRota();
  const promote = (nowMs: number): void => {
    const due = sql.hiddenUntil.all(namespace, nowMs, PROMOTE_MAX);
    const beyond = sql.hiddenBeyond.all(namespace, nowMs + FAR_AHEAD_MS, PROMOTE_MAX);
    for (const row of [...due, ...beyond]) {
      const turn = nextTurn(sql, namespace, textOf(row["lane"]), textOf(row["tenant"]));
      sql.makeReady.run(turn, numberOf(row["seq"]));
    }
  };
  return {
    /** Until there is something to take or to make visible: 0 or less is now. Null when nothing waits. */
    nextInMs(lanes: readonly Lane[] | null): number | null {
      const [first, second = first, third = first] = lanes ?? LANES;
      const found = sql.look.get(namespace, first ?? "", second ?? "", third ?? "");
      if (found === undefined || found["ready"] === 1) return 0;
      const nowMs = clock.nowMs();
      const lastMs = orNull(found["last"], numberOf);
      if (lastMs !== null && lastMs > nowMs + FAR_AHEAD_MS) return 0;
      const firstMs = orNull(found["first"], numberOf);
      return firstMs === null ? null : firstMs - nowMs;
    },
    take({ lanes, max, visibilityMs }: ReceiveOptions): readonly Message[] {
      const nowMs = clock.nowMs();
      promote(nowMs);
      const taken: Message[] = [];
      while (taken.length < max) {
        const row = rota.next(lanes, (lane) => sql.take.get(nowMs + visibilityMs, processes.self, namespace, lane) ?? null);
        if (row === null) break;
        taken.push(messageOf(row));
      }
      return taken;
    },
  };
}

function messageOf(row: Row): Message {
  const receiveCount = numberOf(row["receive_count"]);
  const receipt = `${numberOf(row["seq"])}/${receiveCount}`;
  return { id: textOf(row["id"]), body: textOf(row["body"]), receiveCount, receipt };
}
function heldBy(namespace: string, id: string, receipt: string): [number, string, number, string] {
  const [seq, receiveCount] = receipt.split("/").map(Number);
  return [seq ?? 0, id, receiveCount ?? 0, namespace];
}
