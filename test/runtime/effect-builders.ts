/** An outside system, and engines whose steps have effects on it. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Effect, Fence } from "../../src/domain/effect.ts";
import type { Engine } from "../../src/domain/engine.ts";
import type { Json } from "../../src/domain/json.ts";
import type { World } from "../support/world.ts";
import { type AnyCtx, engineOf, type More } from "./builders.ts";

/** One step that completes with what it is given. */
export function oneStep(step: (ctx: AnyCtx) => Promise<Json>, more: More = {}): Engine {
  return engineOf(async (_state, ctx) => ctx.complete(await step(ctx)), more);
}

export type IfInDoubt = Effect<Json, Json>["ifInDoubt"];
export function anEffect(run: Effect<Json, Json>["run"], more: Partial<Effect<Json, Json>> = {}): Effect<Json, Json> {
  return { run, ifInDoubt: "rerun", ...more };
}

/** Over HTTP, and heedless of idempotency keys, so that what happens twice is seen twice. */
export interface Outside {
  /** How often it happened, by idempotency key. */
  readonly counts: Map<string, number>;
  do(fence: Fence): Promise<string>;
  did(fence: Fence): Promise<{ happened: true; result: string } | { happened: false }>;
  /** A call of ours is on its way. */
  isBusy(): boolean;
  idle(): Promise<void>;
  close(): Promise<void>;
}

export async function startOutside(): Promise<Outside> {
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const key = String(request.headers["idempotency-key"]);
    if (request.method === "POST") counts.set(key, (counts.get(key) ?? 0) + 1);
    response.end(String(counts.get(key) ?? 0));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${portOf(server)}/`;
  const underWay = new Set<Promise<string>>();
  const ask = (method: string, { idempotencyKey, abortSignal }: Fence): Promise<string> => {
    const headers = { "idempotency-key": idempotencyKey };
    const answer = fetch(url, { method, headers, signal: abortSignal }).then((response) => response.text());
    underWay.add(answer);
    return answer.finally(() => underWay.delete(answer));
  };
  return {
    counts,
    do: async (fence) => {
      await ask("POST", fence);
      return `done ${fence.idempotencyKey}`;
    },
    did: async (fence) =>
      (await ask("GET", fence)) === "0" ? { happened: false } : { happened: true, result: `done ${fence.idempotencyKey}` },
    isBusy: () => underWay.size > 0,
    idle: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return address.port;
}

/** Time in this world stands still while a call is on its way. */
export function waitFor(world: World, outside: Outside): void {
  const { settle } = world;
  world.settle = async () => {
    for (;;) {
      await settle();
      if (!outside.isBusy()) return;
      await outside.idle();
    }
  };
}
