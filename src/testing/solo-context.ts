/** What a step is given when it runs by itself. What it does is kept in mind, and told afterwards. */
import { createMemoryLogger, type LogEntry } from "../adapters/memory/logger.ts";
import { type Contract, type Signals, signalSchema, validate } from "../domain/contract.ts";
import type { ArtifactRef, Cause, ChildOptions, Ctx, Ended, Engine, Signal, Wake } from "../domain/engine.ts";
import { CtxRevokedError, EffectConflictError, InvalidArgumentError } from "../domain/errors.ts";
import { RECOVER_NAME, STEP_NAME } from "../domain/head.ts";
import { decodeJson, encodeJson, type Json } from "../domain/json.ts";
import { INBOX_CONSUMED, STEP_MS } from "../domain/limits.ts";
import { createOutcomeMaker, type OutcomeMaker } from "../runtime/outcome.ts";
import { checkStart } from "../runtime/start.ts";
import { sha256 } from "../wire/digest.ts";
import { createSoloArtifacts } from "./solo-artifacts.ts";
import { createSoloEffects, type EffectAnswer, type EffectCall } from "./solo-effects.ts";
import { WORK_ID } from "./solo-item.ts";

/** A signal without what the runtime adds; those get a default. */
export type GivenSignal<G extends Signals> = {
  [K in keyof G & string]: { name: K; payload: G[K]; id?: string; sentAtMs?: number };
}[keyof G & string];
export type GivenWake<G extends Signals> =
  | Exclude<Wake<G>, { readonly kind: "signal" }>
  | { readonly kind: "signal"; readonly signal: GivenSignal<G> };

/** All that a step may meet. */
export interface Given<G extends Signals> {
  /** Default "go". */
  readonly wake?: GivenWake<G>;
  /** What `ctx.take` finds, oldest first. */
  readonly signals?: readonly GivenSignal<G>[];
  /** Committed entries of the log, oldest first. */
  readonly log?: readonly Json[];
  /** Committed outcomes so far. Default 0. */
  readonly step?: number;
  /** Default 1. */
  readonly attempt?: number;
  /** Default 1,700,000,000,000. */
  readonly nowAtMs?: number;
  readonly abortSignal?: AbortSignal;
  /** By key: the result, or a function of the input. An effect that is not named here runs its own code. */
  readonly effects?: { readonly [key: string]: EffectAnswer };
  /** By key: what is remembered already. */
  readonly once?: { readonly [key: string]: Json };
  /** By group: how its children have ended. */
  readonly results?: { readonly [group: string]: readonly ({ readonly key: string } & Ended<Json>)[] };
  /** By name: artifacts of earlier steps. */
  readonly artifacts?: { readonly [name: string]: string | Uint8Array };
  /** Runs `recover` with it instead of `step`. */
  readonly cause?: Cause;
}
/** All that a step may do. */
export interface Deeds {
  readonly effects: readonly EffectCall[];
  /** Keys of `ctx.once`, as called. */
  readonly once: readonly string[];
  readonly meters: Readonly<Record<string, number>>;
  /** What was written, in one text. */
  readonly output: string;
  readonly artifacts: readonly (ArtifactRef & { readonly content: Uint8Array })[];
  readonly started: readonly { readonly contract: string; readonly payload: Json; readonly options: ChildOptions }[];
  /** Signals that `ctx.take` gave. */
  readonly taken: readonly Signal<Signals>[];
  readonly callbackTokens: readonly { readonly signal: string; readonly expiresMs: number }[];
  readonly logged: readonly LogEntry[];
}
export interface SoloContext {
  readonly ctx: Ctx<Json, Json, Signals, Json, Json>;
  readonly outcomes: OutcomeMaker;
  readonly nowMs: number;
  /** Resolves once every effect that was begun has come to an end; never rejects. */
  settled(): Promise<void>;
  /** @throws EffectInDoubtError when the outcome of an effect is not known, which ends an attempt whatever its step says. */
  throwIfInDoubt(): void;
  deeds(): Promise<Deeds>;
  revoke(): void;
}

const NOW_AT_MS = 1_700_000_000_000;

export async function createSoloContext<G extends Signals>(
  engine: Engine,
  payload: string,
  given: Given<G>,
): Promise<SoloContext> {
  const { nowAtMs = NOW_AT_MS, step = 0, attempt = 1, abortSignal = new AbortController().signal } = given;
  let revoked = false;
  const guard = (what: string): void => {
    if (revoked) throw new CtxRevokedError(WORK_ID, what);
  };
  const guarded =
    <A extends unknown[], T>(what: string, call: (...args: A) => T) =>
    (...args: A): T => {
      guard(what);
      return call(...args);
    };
  const outcomes = createOutcomeMaker(engine, given.cause === undefined ? STEP_NAME : RECOVER_NAME, () => nowAtMs);
  const logger = createMemoryLogger();
  const effects = createSoloEffects(given.effects ?? {}, abortSignal);
  const artifacts = await createSoloArtifacts(given.artifacts ?? {}, guard);
  const mail = await createSoloMail(engine, given.signals ?? [], nowAtMs);
  const log = await Promise.all((given.log ?? []).map((entry, i) => logEntry(engine, entry, i)));
  const [once, meters, output]: [string[], Map<string, number>, string[]] = [[], new Map(), []];
  const [started, callbackTokens]: [Deeds["started"][number][], Deeds["callbackTokens"][number][]] = [[], []];

  const ctx: Ctx<Json, Json, Signals, Json, Json> = {
    workId: WORK_ID,
    namespace: "test",
    step,
    attempt,
    abortSignal,
    wake: await liveWake(engine, given.wake ?? { kind: "go" }, nowAtMs),
    logger,
    remainingMs: engine.code.limits?.stepMs ?? STEP_MS,
    get payload() {
      return decodeJson(payload);
    },
    now: guarded("now", () => nowAtMs),
    once: guarded("once", async (key, run) => {
      once.push(key);
      const known = Object.hasOwn(given.once ?? {}, key);
      return revive(encodeJson(known ? given.once?.[key] : await run(), `ctx.once(${JSON.stringify(key)})`));
    }),
    effect: guarded("effect", effects.effect),
    start: guarded("start", async (contract, childPayload, options) => {
      const { text, digest } = await checkStart(contract, childPayload, options);
      const before = started.findIndex((child) => child.options.key === options.key);
      const same = started[before];
      if (same === undefined) started.push({ contract: contract.id, payload: decodeJson(text), options });
      else
        requireSame(
          options.key,
          `${sha256(encodeJson(same.payload))} for engine ${same.contract}`,
          `${digest} for engine ${contract.id}`,
        );
      return `${same === undefined ? started.length : before + 1}`.padStart(WORK_ID.length, "0");
    }),
    results: guarded("results", (contract, group) => endedOf(contract, given.results?.[group] ?? [])),
    write: guarded("write", (chunk) => {
      output.push(chunk);
    }),
    callbackToken: guarded("callbackToken", async (signal, { expiresMs }) => {
      signalSchema(engine, signal);
      callbackTokens.push({ signal, expiresMs });
      return `callback-${signal}`;
    }),
    // One union of all signals is what is known here; the engine's own types pick the member by its name.
    take: guarded("take", mail.take) as Ctx<Json, Json, Signals, Json, Json>["take"],
    meter: guarded("meter", (name, amount) => {
      if (!Number.isFinite(amount)) throw new InvalidArgumentError(`ctx.meter: amount of ${name}`, "a finite number", amount);
      meters.set(name, (meters.get(name) ?? 0) + amount);
    }),
    artifacts: artifacts.artifacts,
    readLog: guarded("readLog", async ({ last = log.length } = {}) => (last === 0 ? [] : log.slice(-last))),
    next: guarded("next", outcomes.next),
    waitFor: guarded("waitFor", outcomes.waitFor),
    complete: guarded("complete", outcomes.complete),
    fail: guarded("fail", outcomes.fail),
  };
  return {
    ctx,
    outcomes,
    nowMs: nowAtMs,
    settled: effects.settled,
    throwIfInDoubt: effects.throwIfInDoubt,
    deeds: async () => ({
      effects: effects.calls,
      once,
      meters: Object.fromEntries(meters),
      output: output.join(""),
      artifacts: await artifacts.made(),
      started,
      taken: mail.taken,
      callbackTokens,
      logged: logger.entries,
    }),
    revoke: () => {
      revoked = true;
    },
  };
}

function requireSame(key: string, stored: string, given: string): void {
  if (stored !== given) throw new EffectConflictError(WORK_ID, "child", key, stored, given);
}

/** What comes back is what would have been stored of a `T`. */
function revive<T>(text: string): T {
  return JSON.parse(text) as T;
}

async function logEntry({ id, code }: Engine, entry: Json, i: number): Promise<Json> {
  if (code.log === undefined) throw new InvalidArgumentError("log", `an engine with a log schema (${id} has none)`, entry);
  return decodeJson(encodeJson(await validate(`log entry ${i} of engine ${id}`, code.log, entry)));
}

async function* endedOf<R extends Json>(
  contract: Contract<Json, R>,
  children: readonly ({ readonly key: string } & Ended<Json>)[],
): AsyncGenerator<{ readonly key: string } & Ended<R>> {
  for (const child of children) {
    if (child.status !== "completed") yield child;
    else yield { ...child, result: await validate(`result of child ${child.key}`, contract.result, child.result) };
  }
}

interface AnySignal {
  readonly name: string;
  readonly payload: Json;
  readonly id?: string;
  readonly sentAtMs?: number;
}
async function liveSignal(engine: Engine, given: AnySignal, i: number, nowMs: number): Promise<Signal<Signals>> {
  const { name, id = `signal-${i}`, sentAtMs = nowMs } = given;
  const payload = await validate(`payload of signal ${name} (${id})`, signalSchema(engine, name), given.payload);
  return { name, payload: decodeJson(encodeJson(payload)), id, sentAtMs };
}
async function liveWake<G extends Signals>(engine: Engine, wake: GivenWake<G>, nowMs: number): Promise<Wake<Signals>> {
  return wake.kind === "signal" ? { kind: "signal", signal: await liveSignal(engine, wake.signal, 0, nowMs) } : wake;
}

async function createSoloMail(engine: Engine, given: readonly AnySignal[], nowMs: number) {
  const waiting = await Promise.all(given.map((signal, i) => liveSignal(engine, signal, i + 1, nowMs)));
  const taken: Signal<Signals>[] = [];
  return {
    taken,
    async take(name: string, max = INBOX_CONSUMED): Promise<Signal<Signals>[]> {
      signalSchema(engine, name);
      const found = waiting.filter((signal) => signal.name === name).slice(0, max);
      for (const signal of found) waiting.splice(waiting.indexOf(signal), 1);
      taken.push(...found);
      return found;
    },
  };
}
