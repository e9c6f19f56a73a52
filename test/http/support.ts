/** The HTTP door over a store in a folder of its own, with a worker in this process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { expect } from "vitest";
import { z } from "zod";
import { createMemoryLogger } from "../../src/adapters/memory/logger.ts";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { type Embedded, openEmbedded } from "../../src/embedded.ts";
import { counter } from "../../src/engines/counter.ts";
import { createHttpApp, type HttpAppOptions } from "../../src/http/app.ts";
import { defineContract, defineEngine, type Engine } from "../../src/index.ts";
import { approvals } from "../cli/approvals.ts";
import { crowd, member } from "../cli/crowd.ts";
import { doubtful } from "../cli/doubtful.ts";

const Press = defineContract({
  id: "press",
  payload: z.object({
    lines: z.number(),
    mediaType: z.string().optional(),
    bigBytes: z.number().optional(),
  }),
  result: z.object({ lines: z.number() }),
});
/** Writes a line a step, says so in its log, and leaves what it wrote as artifacts. */
const press = defineEngine(Press, {
  version: 1,
  state: z.object({ written: z.number() }),
  log: z.object({ line: z.number() }),
  journal: "full",
  init: { written: 0 },
  async step({ written }, ctx) {
    const { lines, mediaType = "text/markdown" } = ctx.payload;
    if (ctx.payload.bigBytes !== undefined) await ctx.artifacts.put("big.bin", new Uint8Array(ctx.payload.bigBytes));
    if (written >= lines) return ctx.complete({ lines });
    ctx.write(`line ${written + 1}\n`);
    await ctx.artifacts.put("pages/für Ü 50%.md", `# ${written + 1}\n`, { mediaType });
    return ctx.next({ written: written + 1 }, { append: [{ line: written + 1 }] });
  },
});

export const ENGINES: readonly Engine[] = [press, counter, approvals, doubtful, crowd, member];

export interface Place {
  readonly store: Embedded;
  readonly home: string;
  readonly logger: ReturnType<typeof createMemoryLogger>;
  app(options?: Partial<HttpAppOptions>): Hono;
  /** Ends the worker, too. */
  close(): Promise<void>;
}

export function openPlace({ work = true } = {}): Place {
  const home = mkdtempSync(join(tmpdir(), "rookery-http-"));
  const logger = createMemoryLogger();
  const store = openEmbedded({ home, engines: ENGINES, logger: createMemoryLogger(), synchronous: "off" });
  const stop = new AbortController();
  const working = work ? store.work(stop.signal, { sweep: false, graceMs: 0 }) : Promise.resolve();
  return {
    store,
    home,
    logger,
    app: (options = {}) => createHttpApp({ client: store, clock: createSystemClock(), logger, contracts: ENGINES, ...options }),
    close: async () => {
      stop.abort();
      await working;
      store.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** For whatever must come about: on a machine that is busy, too. */
export const SOON = { timeout: 15_000, interval: 5 };

/** A request with a JSON body; text and bytes go as they are. */
export function post(app: Hono, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const isRaw = typeof body === "string" || body instanceof Uint8Array || body === undefined;
  return Promise.resolve(app.request(path, { method: "POST", headers, body: isRaw ? (body ?? null) : JSON.stringify(body) }));
}
export async function get(app: Hono, path: string): Promise<unknown> {
  const response = await app.request(path);
  expect(response.status, path).toBeLessThan(300);
  return response.json();
}
const Created = z.object({ workId: z.string() });
/** The id of what was enqueued. */
export async function enqueued(app: Hono, engine: string, payload: unknown, more: object = {}): Promise<string> {
  const response = await post(app, "/items", { engine, payload, ...more });
  expect(response.status).toBe(201);
  return Created.parse(await response.json()).workId;
}
export async function ended(app: Hono, workId: string): Promise<unknown> {
  return get(app, `/items/${workId}/result?waitMs=20000`);
}
export async function lines(response: Response | Promise<Response>): Promise<unknown[]> {
  const text = await (await response).text();
  return text.split("\n").flatMap((line): unknown[] => (line === "" ? [] : [JSON.parse(line)]));
}
export const ErrorBody = z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string() }) });
/** What it was refused with: status, code and message. */
export async function refusal(response: Response | Promise<Response>): Promise<[status: number, code: string, message: string]> {
  const answer = await response;
  const { error } = ErrorBody.parse(await answer.json());
  return [answer.status, error.code, error.message];
}

/** `404 unknown_route`. */
export async function refused(response: Response | Promise<Response>): Promise<string> {
  const [status, code] = await refusal(response);
  return `${status} ${code}`;
}

export interface ServerSentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}
/** Of whole events; comments are left out. */
export function eventsIn(text: string): ServerSentEvent[] {
  const field = (block: string, name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
  return text
    .split("\n\n")
    .filter((block) => block.includes("data: "))
    .map((block) => ({ id: field(block, "id"), event: field(block, "event"), data: field(block, "data") }));
}
