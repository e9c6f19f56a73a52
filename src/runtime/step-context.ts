/**
 * What a step is given for one attempt. It reads and adds; it commits nothing but memos and blobs, which only count
 * once the attempt commits. It is revoked when the attempt is over: a step that runs on can do no more harm (G4).
 */
import type { Signals } from "../domain/contract.ts";
import type { ArtifactRef, Ctx } from "../domain/engine.ts";
import { CtxRevokedError, InvalidArgumentError } from "../domain/errors.ts";
import { type Head, keyOfStep } from "../domain/head.ts";
import { decodeJson, encodeJson, type Json } from "../domain/json.ts";
import { onceKey } from "../domain/keys.ts";
import { sha256 } from "../wire/digest.ts";
import { decodeMemo, encodeMemo } from "../wire/memo.ts";
import { createArtifacts } from "./artifacts.ts";
import { type AttemptScope, unheeded } from "./attempt-scope.ts";
import { callbackToken } from "./callback.ts";
import type { Interruption } from "./interruption.ts";
import { readLog } from "./log.ts";
import { createMail, type Mail } from "./mail.ts";
import { createOutcomeMaker, type OutcomeMaker } from "./outcome.ts";
import { put, readOne } from "./records.ts";
import { createStepExtras, type StepExtras } from "./step-extras.ts";
import { keep, load, revive } from "./values.ts";

export interface AttemptContext {
  readonly ctx: Ctx<Json, Json, Signals, Json, Json>;
  readonly outcomes: OutcomeMaker;
  meters(): Readonly<Record<string, number>>;
  readonly artifacts: ArtifactRef[];
  /** Sort keys of the signals that the step has read. */
  consumed(): readonly string[];
  /** It left text in the output stream, or children that are listed. */
  leftTraces(): boolean;
  /** Resolves once everything that the step began has come to an end, well or not; null when it began nothing. */
  settled(): Promise<void> | null;
  /** Set when the attempt ends otherwise than its step says. */
  interruption(): Interruption | null;
  /** What must be on record before the outcome is; null for nothing. */
  beforeCommit(): Promise<void> | null;
  revoke(): void;
}

export function createStepContext(scope: AttemptScope): AttemptContext {
  const { deps, item, head } = scope;
  let revoked = false;
  let payload: { value: Json } | null = null;
  const guard = (what: string): void => {
    if (revoked) throw new CtxRevokedError(item.workId, what);
  };
  const meters = new Map<string, number>();
  const artifacts: ArtifactRef[] = [];
  const outcomes = createOutcomeMaker(scope.engine, head.step, () => deps.clock.nowMs());
  const guarded =
    <A extends unknown[], T>(what: string, call: (...args: A) => T) =>
    (...args: A): T => {
      guard(what);
      return call(...args);
    };
  let mail: Mail | null = null;
  let extras: StepExtras | null = null;
  let closed = false;
  const extrasFor = (what: string): StepExtras => {
    guard(what);
    if (closed || extras?.isClosed() === true) throw new CtxRevokedError(item.workId, what);
    extras ??= createStepExtras(scope, guard);
    return extras;
  };
  const ctx: Ctx<Json, Json, Signals, Json, Json> = {
    workId: item.workId,
    namespace: item.namespace,
    step: head.version,
    attempt: scope.attempt,
    get abortSignal() {
      return scope.abort.signal();
    },
    wake: scope.wake,
    logger: deps.logger,
    get remainingMs() {
      guard("remainingMs");
      return Math.max(0, scope.endsAtMs - deps.clock.nowMs());
    },
    get payload() {
      payload ??= { value: decodeJson(scope.payload) };
      return payload.value;
    },
    now: guarded("now", () => deps.clock.nowMs()),
    once: (key, run) => {
      guard("once");
      return unheeded(once(scope, guard, key, run));
    },
    effect: (key, input, effect) => {
      return extrasFor("effect").effects().effect(key, input, effect);
    },
    start: (contract, payload, options) => {
      return extrasFor("start").children().start(contract, payload, options);
    },
    results: (contract, group) => {
      return extrasFor("results").children().results(contract, group);
    },
    write: (chunk) => {
      extrasFor("write").output().write(chunk);
    },
    callbackToken: guarded("callbackToken", (signal, options) => unheeded(callbackToken(scope, signal, options))),
    // One union of all signals is what the runtime knows; the engine's own types pick the member by its name.
    take: guarded("take", (name: string, max?: number) => {
      mail ??= createMail(scope);
      return mail.take(name, max);
    }) as Ctx<Json, Json, Signals, Json, Json>["take"],
    meter: guarded("meter", (name: string, amount: number) => addToMeter(meters, head.meters, name, amount)),
    artifacts: createArtifacts({ deps, partition: scope.partition, workId: item.workId, head, made: artifacts, guard }),
    readLog: guarded("readLog", (options?: { last?: number }) => unheeded(readLog(deps, scope.partition, head, options?.last))),
    next: guarded("next", outcomes.next),
    waitFor: guarded("waitFor", outcomes.waitFor),
    complete: guarded("complete", outcomes.complete),
    fail: guarded("fail", outcomes.fail),
  };
  return {
    ctx,
    outcomes,
    meters: () => Object.fromEntries(meters),
    artifacts,
    consumed: () => mail?.consumed() ?? (head.wake.kind === "signal" ? [head.wake.sort] : []),
    leftTraces: () => extras?.leftTraces() ?? false,
    settled: () => {
      closed = extras === null;
      return extras?.settled() ?? null;
    },
    interruption: () => extras?.interruption() ?? null,
    beforeCommit: () => {
      if (extras === null && !head.leftTraces) return null;
      extras ??= createStepExtras(scope, guard);
      return extras.beforeCommit();
    },
    revoke: () => {
      revoked = true;
    },
  };
}

const METER_CHARS = 128;

function addToMeter(meters: Map<string, number>, committed: Head["meters"], name: unknown, amount: number): void {
  if (typeof name !== "string" || name === "" || name.length > METER_CHARS || name === "__proto__")
    throw new InvalidArgumentError("ctx.meter: name", `a text of 1 to ${METER_CHARS} characters, other than __proto__`, name);
  const sum = (meters.get(name) ?? 0) + amount;
  const total = sum + (Object.hasOwn(committed, name) ? (committed[name] ?? 0) : 0);
  if (!Number.isFinite(amount) || !Number.isFinite(total))
    throw new InvalidArgumentError(`ctx.meter: amount of ${name}`, "a finite number with a finite sum", amount);
  meters.set(name, sum);
}

/** One write, after; the loser of a race takes the stored result. */
async function once<T>(scope: AttemptScope, guard: (what: string) => void, key: string, run: () => Promise<T>): Promise<T> {
  const { deps, partition, head } = scope;
  if (typeof key !== "string") throw new InvalidArgumentError("ctx.once: key", "a text", key);
  const sort = onceKey(head.version, sha256(keyOfStep(head, key)));
  const stored = await readOne(deps, partition, sort);
  if (stored !== null) return revive<T>(await load(deps, partition, decodeMemo(stored)));
  const text = encodeJson(await run(), `ctx.once(${JSON.stringify(key)})`);
  guard("once");
  const memo = encodeMemo(key, await keep(deps, partition, text));
  const written = await put(deps, { partition, sort, ...memo }, "absent", scope.token);
  if (written.ok || written.current === null) return revive<T>(text);
  return revive<T>(await load(deps, partition, decodeMemo(written.current)));
}
