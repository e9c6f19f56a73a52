/** A process of the simulated world: it calls ports, and dies, freezes and loses its sense of time when chance has it. */
import type { Intercept } from "../../adapters/memory/intercept.ts";
import { SECOND_MS } from "../../domain/limits.ts";
import type { Clock } from "../../ports/clock.ts";
import { createDoor } from "./door.ts";
import { createPolls } from "./polls.ts";
import type { SimProcess } from "./sim-process.ts";
import type { Stage } from "./stage.ts";

export interface ProcessOptions {
  readonly namespace?: string;
  /** Nothing ever happens to it. */
  readonly charmed?: boolean;
  /** How far off its clock is, for good; default drawn, and set anew by chance. */
  readonly offsetMs?: number;
}

const TIMER_LATE_MS = 2;
/** Whoever repeats a call that failed waits so long at most. */
const RETRY_MS = SECOND_MS;

export function createProcess(stage: Stage, name: string, options: ProcessOptions = {}): SimProcess {
  const { scheduler, host, environment } = stage;
  const polls = createPolls(() => stage.nowMs());
  const listeners: (() => void)[] = [];
  let dead = false;
  let thawsAtMs = 0;
  let offset = options.offsetMs ?? drawOffset(stage);
  const frozenMs = (): number => Math.max(0, thawsAtMs - scheduler.elapsedMs());
  const clock: Clock = {
    nowMs: () => Math.floor(stage.nowMs()) + offset,
    after(delayMs, callback) {
      let cancel = (): void => undefined;
      const set = (inMs: number): void => {
        cancel = scheduler.in(inMs, fire);
      };
      let isOver = delayMs > RETRY_MS;
      const end = (): void => {
        if (!isOver) self.pending -= 1;
        isOver = true;
      };
      if (!isOver) self.pending += 1;
      function fire(): void {
        if (dead) return;
        const heldMs = frozenMs();
        if (heldMs > 0) {
          set(heldMs);
          return;
        }
        end();
        callback();
      }
      set(delayMs + stage.draw("timer") * TIMER_LATE_MS);
      return () => {
        end();
        cancel();
      };
    },
  };
  const self: SimProcess = {
    name,
    clock,
    polls,
    get deps() {
      return deps;
    },
    pending: 0,
    isDead: () => dead,
    die() {
      if (dead) return;
      dead = true;
      stage.polls.delete(polls);
      polls.end();
      if (host.knowsDeaths) {
        environment.machine.end(name);
        stage.pokeIn(0);
      }
      for (const listener of listeners) listener();
    },
    onDeath: (listener) => {
      listeners.push(listener);
    },
    freeze: (ms) => {
      thawsAtMs = Math.max(thawsAtMs, scheduler.elapsedMs() + ms);
    },
    frozenMs,
    jump: (offsetMs) => {
      offset = options.offsetMs ?? offsetMs;
    },
    offsetMs: () => offset,
  };
  const door = createDoor(stage, self, options.charmed === true);
  const around = options.charmed === true ? undefined : stage.around?.(name);
  const intercept: Intercept = around === undefined ? door : (call, run) => door(call, () => around(call, run));
  stage.polls.add(polls);
  stage.processes.set(name, self);
  const deps = environment.depsOf(name, {
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    intercept,
    clock,
    queueClock: polls.clock,
  });
  return self;
}

export function drawOffset(stage: Stage): number {
  const { skewMs } = stage.host;
  return skewMs === 0 ? 0 : Math.floor((2 * stage.draw("skew") - 1) * skewMs);
}
