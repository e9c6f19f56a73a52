/**
 * How time passes in a rig: from one instant at which something can happen to the next, and never while something still
 * happens. Real time is only waited for: a step may do real things.
 */
import type { EventLoop } from "../adapters/node/event-loop.ts";
import { SWEEP_MS } from "../domain/limits.ts";
import type { Crew } from "./crew.ts";
import type { Environment } from "./environment.ts";
import type { IdleClock } from "./idle-clock.ts";

export interface TimeDeps {
  readonly environment: Environment;
  readonly idle: IdleClock;
  readonly crew: Crew;
  readonly loop: EventLoop;
  readonly sweep: () => Promise<unknown>;
  /** Real time that a step may take. */
  readonly realTimeoutMs: () => number;
  /** What to do after it; without an answer, the steps that run are left to themselves. */
  readonly onTimeout: () => Promise<void>;
}
export interface Time {
  settle(): Promise<void>;
  /** Lets at most so much time pass; ends early once `isOver` says so, which is asked whenever all is settled. */
  pass(ms: number, isOver?: () => Promise<boolean> | boolean): Promise<void>;
  /** Everything that is ready has run. */
  turn(): Promise<void>;
}

/** Turns of the event loop in which nothing was seen to happen. */
const CALM_TURNS = 2;
const SPINS = 50;
const REAL_PAUSE_MS = 1;

export function createTime({ environment, idle, crew, loop, sweep, realTimeoutMs, onTimeout }: TimeDeps): Time {
  const { clock } = environment;
  const startMs = clock.nowMs();
  let sweptAtMs = startMs;
  let leftInFlight = 0;
  let before: Promise<unknown> = Promise.resolve();

  /** A message in hand without a step is one whose effects are not over; what was left before is no news. */
  function isBusy(): boolean {
    leftInFlight = Math.min(leftInFlight, crew.inFlight());
    if (environment.isPacking() || crew.steps.running() > 0) return true;
    return crew.steps.left() === 0 && crew.inFlight() > leftInFlight;
  }
  async function calm(): Promise<void> {
    const sinceMs = loop.nowMs();
    for (let turns = 0, quiet = 0; quiet < CALM_TURNS; turns++) {
      await (turns < SPINS ? loop.turn() : loop.sleep(REAL_PAUSE_MS));
      quiet = isBusy() ? 0 : quiet + 1;
      if (quiet > 0 || loop.nowMs() - sinceMs < realTimeoutMs()) continue;
      await onTimeout();
      crew.steps.leaveAll();
      leftInFlight = crew.inFlight();
      return;
    }
  }
  /** Whoever looks now and then looks before, for what time has brought, and after, for what has happened. */
  async function settle(): Promise<void> {
    idle.poke();
    await calm();
    idle.poke();
    await calm();
  }
  /** Sweeps are a minute apart, and those that would find nothing are left out. */
  function nextSweepAtMs(): number | null {
    const dueAtMs = environment.nextAlarmAtMs();
    if (dueAtMs === null) return null;
    const minutes = Math.ceil((Math.max(dueAtMs, sweptAtMs + 1) - startMs) / SWEEP_MS);
    return startMs + minutes * SWEEP_MS;
  }
  function nextMessageAtMs(): number | null {
    const nowMs = clock.nowMs();
    let next: number | null = null;
    for (const broker of environment.brokers()) {
      for (const { visibleAtMs } of broker.entries.values()) {
        if (visibleAtMs !== null && visibleAtMs > nowMs && (next === null || visibleAtMs < next)) next = visibleAtMs;
      }
    }
    return next;
  }
  async function hop(mostMs: number): Promise<void> {
    const nowMs = clock.nowMs();
    const sweepAtMs = nextSweepAtMs();
    const timerMs = clock.nextTimerInMs();
    const instants = [sweepAtMs, nextMessageAtMs(), timerMs === null ? null : nowMs + timerMs].filter((atMs) => atMs !== null);
    clock.advance(Math.max(1, Math.min(mostMs, ...instants.map((atMs) => atMs - nowMs))));
    await settle();
    if (sweepAtMs === null || clock.nowMs() < sweepAtMs) return;
    sweptAtMs = clock.nowMs();
    await sweep();
    await settle();
  }
  /** One at a time: nobody's time passes while another one's settles. */
  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = before.then(act);
    before = mine.catch(() => undefined);
    return mine;
  }
  return {
    settle,
    turn: () => loop.turn(),
    async pass(ms, isOver = () => false) {
      const untilMs = clock.nowMs() + ms;
      const goOn = async (): Promise<boolean> => {
        if (await isOver()) return false;
        const leftMs = untilMs - clock.nowMs();
        if (leftMs > 0) await hop(leftMs);
        return leftMs > 0;
      };
      await inTurn(settle);
      while (await inTurn(goOn));
    },
  };
}
