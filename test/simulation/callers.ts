/** Whoever calls from outside: says a thing again until it is answered, from another process if its own has died. */
import { RookeryError } from "../../src/domain/errors.ts";
import { SECOND_MS } from "../../src/domain/limits.ts";
import { type Client, createClient } from "../../src/runtime/client.ts";
import { createProcess, drawOffset } from "../../src/testing/simulator/process.ts";
import type { SimProcess } from "../../src/testing/simulator/sim-process.ts";
import type { Stage } from "../../src/testing/simulator/stage.ts";

export interface Caller {
  /** What is called must be safe to repeat: by a key, or an id. Everything but what is worth a retry is thrown. */
  call<T>(act: (client: Client) => Promise<T>): Promise<T>;
  sleep(ms: number): Promise<void>;
  nowMs(): number;
  /** A number from 0 to 1. */
  draw(): number;
}

const RETRY_MS = 3 * SECOND_MS;
const DEAD = Symbol("dead");

export function createCaller(stage: Stage, name: string, options: { readonly charmed?: boolean } = {}): Caller {
  const offsetMs = drawOffset(stage);
  let started = 0;
  let current: { readonly actor: SimProcess; readonly client: Client } | null = null;
  function here(): { readonly actor: SimProcess; readonly client: Client } {
    if (current !== null && !current.actor.isDead()) return current;
    started += 1;
    const actor = createProcess(stage, `${name}.${started}`, { ...options, offsetMs });
    current = { actor, client: createClient(actor.deps) };
    return current;
  }
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => stage.scheduler.in(ms, resolve));
  return {
    sleep,
    nowMs: () => here().actor.clock.nowMs(),
    draw: () => stage.draw(name),
    async call(act) {
      for (;;) {
        const { actor, client } = here();
        const dead = new Promise<typeof DEAD>((resolve) => actor.onDeath(() => resolve(DEAD)));
        try {
          const answer = await Promise.race([act(client), dead]);
          if (answer !== DEAD) return answer;
        } catch (error) {
          if (!(error instanceof RookeryError) || !error.retryable) throw error;
        }
        await sleep(stage.draw(name) * RETRY_MS);
      }
    },
  };
}
