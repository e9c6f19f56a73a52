/** The door on a real socket: streams, clients that go away, and an end that leaves nothing open. */
import { readdirSync, truncateSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createVirtualClock } from "../../src/adapters/memory/clock.ts";
import { destroyAnswer, listen } from "../../src/cli/web-server.ts";
import type { HttpAppOptions } from "../../src/http/app.ts";
import { keptAlive } from "../../src/http/output.ts";
import type { Client } from "../../src/runtime/client.ts";
import { ended, enqueued, eventsIn, openPlace, post, SOON } from "./support.ts";

const place = openPlace();
const app = place.app();
const closers: (() => Promise<void>)[] = [];
async function served(options: Partial<HttpAppOptions> = {}): Promise<{ url: string; close(): Promise<void> }> {
  const door = place.app({ from: "localhost", breakOff: destroyAnswer, ...options });
  const server = await listen({ port: 0, host: "127.0.0.1", fetch: async (request, env) => door.fetch(request, env) });
  closers.push(server.close);
  return server;
}
let url = "";
beforeAll(async () => {
  ({ url } = await served());
});
afterAll(async () => {
  await Promise.all(closers.map((close) => close()));
  await place.close();
});

/** An item that has written something, and waits. */
async function waiting(): Promise<string> {
  const workId = await enqueued(app, "approvals", {});
  await vi.waitFor(async () => expect((await place.store.status(workId)).status).toBe("waiting"), SOON);
  return workId;
}
/** What comes, until `enough` of it has come; then the connection is closed. */
async function readUntil(response: Response, enough: (text: string) => boolean): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  if (response.body !== null)
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      if (enough(text)) break;
    }
  return text;
}

describe("a stream of output", () => {
  test("comes while it is written, and goes on after a lost connection", async () => {
    const workId = await enqueued(app, "approvals", {});
    const first = await readUntil(await fetch(`${url}/items/${workId}/output`), (text) => text.includes("\n\n"));
    const seen = eventsIn(first);
    await post(app, `/items/${workId}/signals/approved`, { payload: { by: "Ada" } });
    const headers = { "last-event-id": seen.at(-1)?.id ?? "" };
    const rest = eventsIn(await (await fetch(`${url}/items/${workId}/output`, { headers })).text());
    const texts = [...seen, ...rest].map(({ data }): unknown => Reflect.get(JSON.parse(data), "text"));
    expect(texts).toEqual([expect.stringContaining("May I?"), "Thank you.\n", "completed"]);
  });

  test("is read no further once its client has gone away", async () => {
    let reading = 0;
    const output: Client["output"] = (ref, options) => ({
      [Symbol.asyncIterator]: () => {
        reading += 1;
        const events = place.store.output(ref, options)[Symbol.asyncIterator]();
        const next = async () => {
          const event = await events.next();
          if (event.done === true) reading -= 1;
          return event;
        };
        return { next, return: async () => (await events.return?.()) ?? { done: true, value: undefined } };
      },
    });
    const counted = await served({ client: { ...place.store, output } });
    const workId = await enqueued(app, "approvals", {});
    const gone = new AbortController();
    const response = await fetch(`${counted.url}/items/${workId}/output`, { signal: gone.signal });
    expect([response.status, reading]).toEqual([200, 1]);
    gone.abort();
    await vi.waitFor(() => expect(reading).toBe(0), SOON);
  });

  test("ends after as long as it may take, for a browser to go on", async () => {
    const bounded = await served({ streamMs: 150 });
    const workId = await waiting();
    const text = await (await fetch(`${bounded.url}/items/${workId}/output`)).text();
    expect(eventsIn(text).map(({ event }) => event)).toEqual(["chunk"]);
  });

  test("has a comment every 15 s in which nothing comes", async () => {
    const clock = createVirtualClock();
    let cancelled = false;
    const silent = new ReadableStream<Uint8Array>({
      cancel: () => {
        cancelled = true;
      },
    });
    const reader = keptAlive(silent, clock, 40_000).getReader();
    const decoder = new TextDecoder();
    const comes: string[] = [];
    for (let i = 0; i < 2; i++) {
      const read = reader.read();
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(15_000);
      comes.push(decoder.decode((await read).value));
    }
    expect(comes).toEqual([":\n\n", ":\n\n"]);
    const last = reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(10_000);
    expect([(await last).done, cancelled, clock.nextTimerInMs()]).toEqual([true, true, null]);
  });
  test("leaves no timer behind when something comes", async () => {
    const clock = createVirtualClock();
    const reader = keptAlive(new Blob(["text"]).stream(), clock, null).getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("text");
    expect((await reader.read()).done).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(clock.nextTimerInMs()).toBeNull();
  });
});

describe("a client that goes away", () => {
  test("ends the wait for its result", async () => {
    const signals: AbortSignal[] = [];
    const result: Client["result"] = (contract, ref, options) => {
      if (options.abortSignal !== undefined) signals.push(options.abortSignal);
      return place.store.result(contract, ref, options);
    };
    const watched = await served({ client: { ...place.store, result } });
    const workId = await enqueued(app, "approvals", {});
    const gone = new AbortController();
    const asking = fetch(`${watched.url}/items/${workId}/result?waitMs=20000`, { signal: gone.signal }).catch(() => "gone");
    await vi.waitFor(() => expect(signals).toHaveLength(1), SOON);
    expect(signals[0]?.aborted).toBe(false);
    gone.abort();
    expect(await asking).toBe("gone");
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true), SOON);
  });
  test("in the middle of its body leaves no error behind", async () => {
    const before = place.logger.entries.length;
    const sending = httpRequest(`${url}/items`, { method: "POST", headers: { "content-length": "1000" } });
    const failed = new Promise((resolve) => sending.on("error", resolve));
    sending.write('{"engine": ');
    await new Promise((resolve) => setTimeout(resolve, 50));
    sending.destroy();
    await failed;
    await vi.waitFor(() => expect(place.logger.entries.length).toBeGreaterThan(before), SOON);
    expect(place.logger.entries.slice(before).filter(({ level }) => level !== "debug")).toEqual([]);
  });
});

test("a body that is too large is answered before it is all there", async () => {
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      sent += 65_536;
      if (sent > 64 * 1_048_576) controller.close();
      else controller.enqueue(new Uint8Array(65_536).fill(0x20));
    },
  });
  const response = await fetch(`${url}/items`, { method: "POST", body: endless, duplex: "half" });
  expect(response.status).toBe(413);
  expect(sent).toBeLessThan(16 * 1_048_576);
});

describe("an artifact on its way", () => {
  async function pressed(): Promise<string> {
    const workId = await enqueued(app, "press", { lines: 1, bigBytes: 3_000_000 });
    await ended(app, workId);
    return workId;
  }
  test("comes whole, with its length", async () => {
    const response = await fetch(`${url}/items/${await pressed()}/artifacts/big.bin`);
    expect(response.headers.get("content-length")).toBe("3000000");
    expect((await response.bytes()).length).toBe(3_000_000);
  });
  test("that turns out to be altered ends the connection: nobody takes it for whole", async () => {
    const workId = await pressed();
    const said = vi.spyOn(console, "error");
    for (const damage of [
      (file: string) => truncateSync(file, 2_000_000),
      (file: string) => writeFileSync(file, new Uint8Array(3_000_000).fill(1)),
    ]) {
      const folder = join(place.home, "blobs/default", workId);
      for (const file of readdirSync(folder)) damage(join(folder, file));
      const fetched = fetch(`${url}/items/${workId}/artifacts/big.bin`).then((response) => response.bytes());
      await expect(fetched).rejects.toThrow();
    }
    expect(said).not.toHaveBeenCalled();
    said.mockRestore();
    // Where there is no connection to end, the body fails.
    const response = await app.request(`/items/${workId}/artifacts/big.bin`);
    expect(response.status).toBe(200);
    await expect(response.bytes()).rejects.toThrow("the answer broke off");
    expect(place.logger.entries).toContainEqual(expect.objectContaining({ level: "error", message: "an answer broke off" }));
  });
});

test("an end answers who waits, ends what is streamed, and takes no more", async () => {
  const stop = new AbortController();
  let asked = 0;
  const result: Client["result"] = (...args) => {
    asked += 1;
    return place.store.result(...args);
  };
  const server = await served({ stop: stop.signal, client: { ...place.store, result } });
  const workId = await waiting();
  const stream = (await fetch(`${server.url}/items/${workId}/output`)).body?.getReader();
  expect(new TextDecoder().decode((await stream?.read())?.value)).toContain("May I?");
  const asking = fetch(`${server.url}/items/${workId}/result?waitMs=20000`).then((response) => response.status);
  await vi.waitFor(() => expect(asked).toBe(1), SOON);
  const beganAtMs = Date.now();
  stop.abort();
  await server.close();
  expect(Date.now() - beganAtMs).toBeLessThan(4_000);
  expect(await asking).toBe(202);
  expect((await stream?.read())?.done).toBe(true);
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow("fetch failed");
});
