/** What all parts of one simulated world share: time, stores, chance, and what has been seen. */

import type { Intercept, PortCall } from "../../adapters/memory/intercept.ts";
import { createEventLoop } from "../../adapters/node/event-loop.ts";
import { SECOND_MS } from "../../domain/limits.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../runtime/settings.ts";
import { createCodec } from "../../wire/codec.ts";
import { createEnvironment, type Environment } from "../environment.ts";
import type { Polls } from "./polls.ts";
import { drawsFor, type FaultKind, NO_FAULTS, type Rates } from "./rates.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import type { SimProcess } from "./sim-process.ts";
import { createTrace, type Trace } from "./trace.ts";

/** What the workers run on. */
export interface Host {
  /** Processes that poll, or functions that are handed batches. */
  readonly kind: "processes" | "functions";
  /** That a process has died is known at once, as on one machine. */
  readonly knowsDeaths: boolean;
  /** The store deletes by itself what has expired, some day. */
  readonly collects: boolean;
  /** Clocks are off by so much at most. */
  readonly skewMs: number;
  readonly workers: number;
  /** Items at once in a process, or messages in a batch. */
  readonly concurrency: number;
}

/** A fault that has happened. */
export interface Injected {
  readonly kind: FaultKind | "dies";
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
  /** At which call; null where it was at none. */
  readonly call: PortCall | null;
  /** What ran in the process then. */
  readonly during: string;
}
/** Sees what has happened, when it has. */
export interface Observer {
  applied(who: string, call: PortCall, answer: unknown): Promise<void> | void;
  called?(who: string, call: PortCall): void;
}

/** A promise that the runtime makes has been broken. */
export class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
  readonly invariant: string;
  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

export interface Stage {
  readonly seed: number;
  readonly host: Host;
  readonly settings: Settings;
  readonly scheduler: Scheduler;
  readonly environment: Environment;
  readonly trace: Trace;
  readonly injected: Injected[];
  readonly polls: Set<Polls>;
  /** Between the door of a process and its ports. */
  readonly around: ((name: string) => Intercept) | undefined;
  readonly processes: Map<string, SimProcess>;
  readonly observers: Observer[];
  /** Tells the observers, one after the other; null: they have all seen it. */
  see(who: string, call: PortCall, answer: unknown): Promise<void> | null;
  /** When an item's alarm was last written. */
  readonly dueSetAtMs: Map<string, number>;
  /** The instant by the true clock. */
  nowMs(): number;
  /** As the seed has them. */
  readonly drawn: Rates;
  /** As they are now: none, once it is calm. */
  rates(): Rates;
  calm(): void;
  isCalm(): boolean;
  /** A number from 0 to 1; each purpose has its own. */
  draw(purpose: string): number;
  chance(kind: FaultKind): boolean;
  inject(kind: Injected["kind"], who: string, what: string, call?: PortCall): void;
  /** What runs in a process, in words. */
  during: (who: string) => string;
  /** Whoever waits for messages looks, in so much time. */
  pokeIn(delayMs: number): void;
  /** The first one stands. */
  breakInvariant(invariant: string, message: string): void;
  broken(): InvariantBroken | null;
  /** Port calls so far. */
  calls: number;
}

export interface StageOptions {
  readonly seed: number;
  readonly host: Host;
  readonly rates: Rates;
  readonly settings?: Partial<Settings>;
  readonly nowMs?: number;
  /** Entries of the trace that are kept. */
  readonly traced?: number;
  readonly digested?: boolean;
  readonly around?: ((name: string) => Intercept) | undefined;
}

const BEGIN_MS = 1_700_000_000_000;
const TRACED = 400;

export function createStage(options: StageOptions): Stage {
  const { seed, host, traced = TRACED, nowMs: beginMs = BEGIN_MS } = options;
  const loop = createEventLoop();
  const scheduler = createScheduler(loop);
  const visibilityMs = host.kind === "functions" ? 2 * DEFAULT_SETTINGS.visibilityMs : DEFAULT_SETTINGS.visibilityMs;
  const settings: Settings = { ...DEFAULT_SETTINGS, ...(host.kind === "functions" ? {} : { visibilityMs }), ...options.settings };
  const environment = createEnvironment({
    settings,
    seed,
    collects: host.collects,
    nowMs: beginMs,
    codec: createCodec({ deflateFromBytes: Number.POSITIVE_INFINITY }),
  });
  const draws = new Map<string, () => number>();
  const polls = new Set<Polls>();
  let rates = options.rates;
  let broken: InvariantBroken | null = null;
  const draw = (purpose: string): number => {
    const next = draws.get(purpose) ?? drawsFor(seed, purpose);
    draws.set(purpose, next);
    return next();
  };
  const self: Stage = {
    seed,
    host,
    settings,
    scheduler,
    environment,
    trace: createTrace(traced, options.digested === true),
    injected: [],
    polls,
    around: options.around,
    processes: new Map(),
    dueSetAtMs: new Map(),
    observers: [],
    see(who, call, answer) {
      let seeing: Promise<void> | null = null;
      for (const observer of self.observers) {
        if (seeing === null) seeing = observer.applied(who, call, answer) ?? null;
        else seeing = seeing.then(() => observer.applied(who, call, answer));
      }
      return seeing;
    },
    nowMs: () => beginMs + scheduler.elapsedMs(),
    drawn: options.rates,
    rates: () => rates,
    calm: () => {
      rates = NO_FAULTS;
    },
    isCalm: () => rates === NO_FAULTS,
    draw,
    chance: (kind) => rates[kind] > 0 && draw(kind) < rates[kind],
    during: () => "",
    inject(kind, who, what, call) {
      self.injected.push({ kind, atMs: scheduler.elapsedMs(), who, what, call: call ?? null, during: self.during(who) });
      self.trace.add({ atMs: scheduler.elapsedMs(), who, call: null, answer: null, text: `! ${kind}  ${what}` });
    },
    pokeIn(delayMs) {
      scheduler.in(delayMs, () => {
        for (const one of polls) one.poke();
      });
    },
    breakInvariant(invariant, message) {
      broken ??= new InvariantBroken(invariant, message);
    },
    broken: () => broken,
    calls: 0,
  };
  return self;
}

/** Hosts as they are found: one machine, several, or functions. */
export function drawHost(seed: number): Host {
  const draw = drawsFor(seed, "host");
  const kind = draw() < 0.6 ? "processes" : "functions";
  const isOneMachine = kind === "processes" && draw() < 0.6;
  return {
    kind,
    knowsDeaths: isOneMachine,
    collects: kind === "functions" ? draw() < 0.8 : draw() < 0.2,
    skewMs: isOneMachine || draw() < 0.5 ? 0 : Math.floor(draw() * (DEFAULT_SETTINGS.leaseDurationMs / 2 - SECOND_MS / 10)),
    workers: 1 + Math.floor(draw() * 3),
    concurrency: 1 + Math.floor(draw() * 5),
  };
}
export function describeHost({ kind, knowsDeaths, collects, skewMs, workers, concurrency }: Host): string {
  return (
    `${workers} ${kind} of ${concurrency}, deaths ${knowsDeaths ? "known" : "unknown"}, ` +
    `store ${collects ? "collects" : "does not collect"}, clocks ${skewMs === 0 ? "agree" : `up to ${skewMs} ms off`}`
  );
}
