/** The rig that a scenario drives: as a test rig, in a world where things go wrong. */

import type { Ended, Engine } from "../../domain/engine.ts";
import { isEnded } from "../../domain/head.ts";
import { itemPartition, parseWorkId } from "../../domain/ids.ts";
import type { Json } from "../../domain/json.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/limits.ts";
import { type Client, createClient } from "../../runtime/client.ts";
import type { Crashes } from "../crashes.ts";
import type { TestRig } from "../rig.ts";
import { createProcess } from "./process.ts";
import type { Watched } from "./watched.ts";
import type { Theatre } from "./world.ts";

export interface ScenarioRig {
  readonly rig: TestRig;
  /** Calls of the scenario that are not answered yet: while there are none, it is doing something of its own. */
  pending(): number;
}

/** Nothing has happened for so long: nothing will that is not a matter of time. */
const QUIET_MS = 3 * SECOND_MS;
const LOOK_MS = 20;
type Open = { readonly status: "open" };
/** Longer than the alarm of a sender who died. */
const UNREAD_MS = 100 * SECOND_MS;

export function createScenarioRig(
  theatre: Theatre,
  crashes: Crashes,
  release: (engines: readonly Engine[]) => void,
): ScenarioRig {
  const { stage, witness } = theatre;
  const { scheduler } = stage;
  const actor = createProcess(stage, "scenario", { charmed: true, offsetMs: 0 });
  const client = createClient(actor.deps);
  let pending = 0;
  async function seen<T>(call: Promise<T>): Promise<T> {
    pending += 1;
    try {
      return await call;
    } finally {
      pending -= 1;
    }
  }
  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      scheduler.in(ms, resolve);
    });
  /** Every method of the client, with its calls seen. */
  function watched(): Client {
    return new Proxy(client, {
      get(target, name): unknown {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: readonly unknown[]): unknown => {
          const answer: unknown = Reflect.apply(member, target, args);
          if (answer instanceof Promise) return seen(answer);
          return isAsyncIterable(answer) ? seenStream(answer) : answer;
        };
      },
    });
  }
  async function* seenStream(stream: AsyncIterable<unknown>): AsyncGenerator<unknown> {
    const reader = stream[Symbol.asyncIterator]();
    for (let next = await seen(reader.next()); next.done !== true; next = await seen(reader.next())) yield next.value;
  }
  async function settle(): Promise<void> {
    const sinceMs = scheduler.elapsedMs();
    for (let calls = -1; ; ) {
      await sleep(QUIET_MS);
      const isPatient = scheduler.elapsedMs() - sinceMs > UNREAD_MS;
      const isIdle = stage.calls - calls <= 1 || calls < 0 ? calls >= 0 : false;
      if (isIdle && [...witness.items.values()].every((one) => isAtRest(one, Math.floor(stage.nowMs()), isPatient))) return;
      calls = stage.calls;
    }
  }
  /** Days may pass without a call of the store: whether it has ended is known here. */
  async function result(
    ...[contract, ref, { timeoutMs, abortSignal }]: Parameters<Client["result"]>
  ): Promise<Ended<Json> | Open> {
    const { workId } = await client.status(ref);
    const sinceMs = scheduler.elapsedMs();
    for (;;) {
      const waitedMs = scheduler.elapsedMs() - sinceMs;
      if (waitedMs >= timeoutMs || abortSignal?.aborted === true || hasEnded(workId)) break;
      await sleep(Math.min(timeoutMs - waitedMs, Math.max(LOOK_MS, waitedMs / 10), MINUTE_MS));
    }
    return client.result(contract, ref, { timeoutMs: 0 });
  }
  function hasEnded(workId: string): boolean {
    const head = witness.items.get(itemPartition(actor.deps.namespace, parseWorkId(workId)))?.head ?? null;
    return head !== null && isEnded(head.status);
  }
  const rig: TestRig = Object.assign(Object.create(watched()), {
    now: () => actor.clock.nowMs(),
    settle: () => seen(settle()),
    result: (...args: Parameters<Client["result"]>) => seen(result(...args)),
    advance: (ms: number) => seen(sleep(ms)),
    crashNext: crashes.next,
    crashed: crashes.happened,
    deploy: (engines: readonly Engine[]) => {
      release(engines);
      theatre.deploy();
      return seen(sleep(60 * SECOND_MS));
    },
    logs: stage.environment.logger.entries,
    dispose: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  });
  return { rig, pending: () => pending };
}

/** Nobody has anything to do about it before an instant to come, or something from outside. */
function isAtRest({ item, head, inbox }: Watched, nowMs: number, isPatient: boolean): boolean {
  if (item === null || (head !== null && isEnded(head.status))) return true;
  if (head === null) return item.startAtMs > nowMs;
  if (!head.released || (inbox.size > 0 && !isPatient)) return false;
  const { status } = head;
  if (status.kind === "sleeping") return status.wakeAtMs > nowMs;
  return status.kind === "waiting" || status.kind === "paused";
}
function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
