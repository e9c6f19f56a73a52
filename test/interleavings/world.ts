/**
 * The world of one schedule: actors in processes of their own, each of whose port calls waits until it is let go.
 *
 * It owns the order of everything: no port call happens and no time passes but by `go`, `die`, `pass` and their like.
 * An actor is what it has seen: what it does next follows from the answers it was given and the instants at which it was.
 */
import { createMemoryBlobStore } from "../../src/adapters/memory/blob-store.ts";
import { createVirtualClock, type VirtualClock } from "../../src/adapters/memory/clock.ts";
import { type Intercept, intercepted, type PortCall } from "../../src/adapters/memory/intercept.ts";
import { createMemoryLogger } from "../../src/adapters/memory/logger.ts";
import { createMemoryMachine } from "../../src/adapters/memory/process-table.ts";
import { createMemoryQueue } from "../../src/adapters/memory/queue.ts";
import type { Engine } from "../../src/domain/engine.ts";
import { messageOf } from "../../src/domain/errors.ts";
import { parseNamespace } from "../../src/domain/ids.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Random } from "../../src/ports/random.ts";
import { type Client, createClient } from "../../src/runtime/client.ts";
import { type Deps, NO_METRICS } from "../../src/runtime/deps.ts";
import { createEngines, type Engines } from "../../src/runtime/engines.ts";
import { markBlobs } from "../../src/runtime/marked-blobs.ts";
import { DEFAULT_SETTINGS } from "../../src/runtime/settings.ts";
import { type WorkHost, work } from "../../src/runtime/work.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { createCodec } from "../../src/wire/codec.ts";
import { hashOf } from "./hashes.ts";
import { createMessages, type Messages } from "./messages.ts";
import { type OnWrite, type WatchedRecords, watchRecords } from "./records.ts";

const NOW_MS = 1_700_000_000_000;

export interface Waiting {
  readonly call: PortCall;
  /** Makes the call and gives its answer to whoever waits for it. */
  readonly go: () => void;
  /** Says that a message was sent, which is lost. */
  readonly lose: () => void;
}
export interface Actor {
  readonly name: string;
  readonly isWorker: boolean;
  /** Calls that it has made and that have not happened yet. */
  readonly waiting: Waiting[];
  /** Of every answer that it has seen, and when. */
  history: number;
  /** Timers that it has set. */
  timers: number;
  /** Of its last claim. */
  token: number;
  state: "alive" | "dead" | "done";
  /** What a caller was told in the end; null until then. */
  told: unknown;
}
/** `inline`: as a worker's process does it, with one slot. `each`: gives way after every step. */
export type Hops = "inline" | "each";

export interface WorldOptions {
  readonly collects: boolean;
  /** Everybody knows at once that a process has died; else they wait for its lease to expire. */
  readonly deathIsKnown: boolean;
  readonly onWrite: OnWrite;
}
export class Violation extends Error {}

export interface World {
  readonly clock: VirtualClock;
  readonly records: WatchedRecords;
  readonly messages: Messages;
  readonly actors: ReadonlyMap<string, Actor>;
  /** A client whose calls happen at once: to prepare, and to look. */
  readonly client: Client;
  readonly deps: Deps;
  readonly logger: ReturnType<typeof createMemoryLogger>;
  /** The first thing that was not as it must be. */
  broken: Violation | null;
  /** Attempts whose code has begun. */
  readonly begun: Set<string>;
  /** Whose call was let go last; null when time has passed since. */
  acting: Actor | null;
  /** Works on everything that there is, or on so many messages, in one way: before the search begins. */
  drain(engines: readonly Engine[], most?: number): Promise<void>;
  startWorker(name: string, engines: readonly Engine[], hops: Hops): Actor;
  startCaller(name: string, act: (deps: Deps) => Promise<unknown>): Actor;
  isDead(name: string): boolean;
  isIdle(actor: Actor): boolean;
  /** Lets all code run that waits for nothing. */
  settle(): Promise<void>;
  go(actor: Actor, waiting: Waiting, messageId: string | null): Promise<void>;
  lose(actor: Actor, waiting: Waiting): Promise<void>;
  die(actor: Actor): Promise<void>;
  pass(ms: number): Promise<void>;
  hash(): string;
  /** The hash after the actor's death. */
  hashAfterDeath(actor: Actor): string;
  /** The hash after this call, where it can be told without making it. */
  hashAfter(actor: Actor, waiting: Waiting): string | null;
}

const NAMESPACE = parseNamespace("test");
const IDS = 32;

export function createWorld(options: WorldOptions): World {
  const clock = createVirtualClock(NOW_MS);
  const machine = createMemoryMachine();
  const dead = new Set<string>();
  const isGone = (holder: string): boolean => options.deathIsKnown && dead.has(holder);
  const logger = createMemoryLogger();
  const records = watchRecords(options.collects, options.onWrite);
  const messages = createMessages(clock, isGone, options.deathIsKnown);
  const blobs = createMemoryBlobStore();
  const actors = new Map<string, Actor>();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  function depsOf(name: string, own: Clock, intercept: Intercept): Deps {
    const processes = machine.tableOf(name);
    let nonces = 0;
    const deps: Deps = {
      namespace: NAMESPACE,
      store: intercepted("records", records.store, intercept),
      queue: createMemoryQueue({ clock: own, processes, broker: messages.broker, intercept }),
      blobs: intercepted("blobs", blobs, intercept, ["get"]),
      clock: own,
      random: createCountedRandom(name),
      logger,
      metrics: NO_METRICS,
      processes,
      // Compression would run outside the event loop.
      codec: createCodec({ deflateFromBytes: Number.POSITIVE_INFINITY }),
      settings: DEFAULT_SETTINGS,
      nonce: () => `${name}.${nonces++}`,
    };
    return options.collects ? { ...deps, blobs: markBlobs(deps) } : deps;
  }
  function clockOf(actor: Actor): Clock {
    return {
      nowMs: () => clock.nowMs(),
      after: (delayMs, callback) => {
        actor.timers += 1;
        let over = false;
        const end = (): void => {
          if (!over) actor.timers -= 1;
          over = true;
        };
        const cancel = clock.after(delayMs, () => {
          end();
          if (actor.state === "dead") return;
          actor.history = hashOf(`${actor.history} timer ${clock.nowMs()}`);
          callback();
        });
        return () => {
          end();
          cancel();
        };
      },
    };
  }
  function interceptOf(actor: Actor): Intercept {
    return <T>(call: PortCall, run: () => Promise<T>): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        if (actor.state === "dead") return;
        const see = (what: string): void => {
          actor.history = historyAfter(actor, call, what);
        };
        const settleAs = (answering: Promise<T>): void => {
          void answering.then(
            (answer) => {
              see(records.seen(answer));
              resolve(answer);
            },
            (error: unknown) => {
              see(messageOf(error));
              reject(error);
            },
          );
        };
        const lose = (): void => {
          const before = new Set(messages.broker.entries.keys());
          settleAs(run());
          messages.dropBut(before);
        };
        actor.waiting.push({ call, go: () => settleAs(run()), lose });
      });
  }
  function addActor(name: string, isWorker: boolean): { actor: Actor; deps: Deps } {
    const actor: Actor = { name, isWorker, waiting: [], history: 0, timers: 0, token: 0, state: "alive", told: null };
    actors.set(name, actor);
    return { actor, deps: depsOf(name, clockOf(actor), interceptOf(actor)) };
  }
  /** Of this world: what listens to it goes with it. */
  const never = new AbortController().signal;
  const straight: Intercept = (call, run) => (call.method === "send" ? messages.named(String(call.args[0]), run) : run());
  const deps = depsOf("outside", clock, straight);

  const isIdle = ({ isWorker, state, waiting, timers }: Actor): boolean =>
    isWorker && state === "alive" && timers === 0 && waiting.length === 1 && waiting[0]?.call.method === "receive";

  /** What an actor will do follows from its history; `changed` is as if it had another one, or were dead. */
  function hashWith(changed: Actor | null, history: number | null, stored: number): string {
    const each = [...actors.values()].map((actor) => {
      if (actor !== changed) return `${actor.name} ${actor.state} ${actor.history}`;
      return history === null ? `${actor.name} dead 0` : `${actor.name} ${actor.state} ${history}`;
    });
    const gone = changed !== null && history === null ? changed.name : null;
    return `${stored} ${messages.hash(gone)} ${clock.nowMs()} ${each.join(" ")}`;
  }
  function historyAfter({ history }: Actor, call: PortCall, what: string): number {
    return hashOf(`${history} ${clock.nowMs()} ${nameOf(call)} ${what}`);
  }
  /** A worker with nothing in hand is like any other, whatever it has done before. */
  async function settleAll(): Promise<void> {
    await settle();
    for (const actor of actors.values()) if (isIdle(actor)) actor.history = 0;
  }

  const world: World = {
    broken: null,
    begun: new Set(),
    acting: null,
    clock,
    records,
    messages,
    actors,
    deps,
    client: createClient(deps),
    logger,
    isIdle,
    isDead: (name) => dead.has(name),
    settle,
    async drain(engines, most = Number.POSITIVE_INFINITY) {
      const loaded = createEngines(engines);
      const how = { lanes: null, max: 1, waitMs: 0, visibilityMs: deps.settings.visibilityMs, abortSignal: never };
      for (let done = 0; done < most; done++) {
        const [message] = await deps.queue.receive(how);
        if (message === undefined) return;
        await work(deps, loaded, message, hostOf(false, never));
      }
    },
    startWorker(name, engines, hops) {
      const { actor, deps: own } = addActor(name, true);
      const loaded = createEngines(engines);
      if (hops === "each") void workAndGiveWay(own, loaded, never);
      else void createWorker(own, loaded, { concurrency: 1, lanes: null, graceMs: 0, onAbandoned: () => undefined }).run(never);
      return actor;
    },
    startCaller(name, act) {
      const { actor, deps: own } = addActor(name, false);
      const end = (told: unknown): void => {
        actor.state = "done";
        actor.told = told;
        actor.history = hashOf(JSON.stringify(told) ?? "");
      };
      act(own).then(end, (error: unknown) => end({ error: messageOf(error) }));
      return actor;
    },
    async go(actor, waiting, messageId) {
      world.acting = actor;
      actor.waiting.splice(actor.waiting.indexOf(waiting), 1);
      const { method, args } = waiting.call;
      if (messageId !== null) await messages.offer(messageId, async () => waiting.go());
      else if (method === "send") await messages.named(String(args[0]), async () => waiting.go());
      else waiting.go();
      await settleAll();
    },
    async lose(actor, waiting) {
      world.acting = actor;
      actor.waiting.splice(actor.waiting.indexOf(waiting), 1);
      waiting.lose();
      await settleAll();
    },
    async die(actor) {
      actor.state = "dead";
      actor.waiting.length = 0;
      actor.history = 0;
      dead.add(actor.name);
      if (options.deathIsKnown) machine.end(actor.name);
      await settle();
    },
    async pass(ms) {
      world.acting = null;
      clock.advance(ms);
      await settleAll();
    },
    hash: () => hashWith(null, 0, records.hash()),
    hashAfterDeath: (actor) => hashWith(actor, null, records.hash()),
    hashAfter(actor, { call }) {
      const after = records.foresee(call);
      return after && hashWith(actor, historyAfter(actor, call, after.seen), after.hash);
    },
  };
  return world;
}

function hostOf(yields: boolean, never: AbortSignal): WorkHost {
  return {
    shouldYield: () => yields,
    endsAtMs: null,
    giveBack: never,
    committed: () => undefined,
    abandoned: () => undefined,
    becomeAlone: async () => true,
    isAlone: () => true,
    wouldDieAlone: () => true,
  };
}

/** A worker's loop that gives way after every step. */
async function workAndGiveWay(deps: Deps, engines: Engines, never: AbortSignal): Promise<void> {
  const { visibilityMs } = deps.settings;
  for (;;) {
    const messages = await deps.queue.receive({ lanes: null, max: 1, waitMs: 20_000, visibilityMs, abortSignal: never });
    for (const message of messages) await work(deps, engines, message, hostOf(true, never));
  }
}

/** Names that differ, and never a jitter: an actor's luck is no part of its state. */
function createCountedRandom(name: string): Random {
  let drawn = 0;
  const hash = hashOf(name);
  return {
    bytes: (count) => {
      drawn += 1;
      const first = [hash % IDS, Math.floor(hash / IDS) % IDS, drawn];
      return Uint8Array.from({ length: count }, (_, i) => first[i] ?? 0);
    },
    fraction: () => 0.5,
  };
}

export function nameOf({ port, method, args }: PortCall): string {
  const [first, second] = args;
  if (typeof first === "object" && first !== null) {
    const sort: unknown = Reflect.get(first, "sort");
    const id: unknown = Reflect.get(first, "id");
    return `${port}.${method} ${typeof sort === "string" ? sort : typeof id === "string" ? id : ""}`;
  }
  const from: unknown = typeof second === "object" && second !== null ? Reflect.get(second, "from") : undefined;
  return `${port}.${method} ${String(first)}${from === undefined ? "" : ` ${String(from)}`}`;
}
