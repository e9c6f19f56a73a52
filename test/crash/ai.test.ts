/** kill -9 in the middle of an agent's tool call. The server tells how often it was called, which is as `ifInDoubt` says. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Contract, Json, Signals } from "../../src/index.ts";
import { Asking, Careless, OneStep, Parking } from "./agents.ts";
import { kill, openSite, until } from "./support.ts";

const AGENTS = fileURLToPath(new URL("./agents.ts", import.meta.url));

/** Takes refunds at once and answers the first one never. */
async function openBank() {
  const keys: string[] = [];
  const held: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.method === "GET") {
      const found = keys.includes(decodeURIComponent(request.url?.replace("/refunds/", "") ?? ""));
      response.writeHead(found ? 200 : 404).end('{"paid":5}');
      return;
    }
    keys.push(String(request.headers["idempotency-key"]));
    if (held.length === 0) held.push(response);
    else response.end('{"paid":5}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    keys,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Kills the worker process once the bank has the first refund, and waits until the item is ended or paused. */
async function killInCall<R extends Json, G extends Signals>(contract: Contract<{ prompt: string }, R, G>) {
  await using bank = await openBank();
  await using site = openSite();
  const { workId } = await site.store.enqueue(contract, { prompt: `Refund me at ${bank.url}` });
  const worker = site.start(["--engines", AGENTS, "worker", "--processes", "1"]);
  await until("the first refund", () => bank.keys.length > 0);
  const pid = worker.readyPids().at(-1);
  expect(pid).toBeDefined();
  kill(pid ?? 0, "SIGKILL");
  const status = await until(
    "its end",
    async () => {
      const now = await site.store.status(workId);
      return now.status === "paused" || now.endedAtMs !== null ? now : null;
    },
    60_000,
  );
  const resolved = status.status === "paused";
  if (resolved) {
    const [entry] = await site.store.effects(workId);
    await site.store.resolve(workId, entry?.key ?? "", { happened: true, result: { paid: 5 } });
  }
  const ended = resolved ? await site.end(workId, 60_000) : status;
  return {
    status: ended.status,
    paused: resolved,
    result: await site.store.resultJson(workId),
    calls: bank.keys.length,
    keys: new Set(bank.keys).size,
    tokens: ended.meters,
    output: await Array.fromAsync(site.store.output(workId), ({ kind, text }) => (kind === "chunk" ? text : `<${kind}>`)),
  };
}

const DONE = { text: "Refunded.", finishReason: "stop", turns: 2 };

test("a tool that is safe to repeat is called again, under the same key", async () => {
  expect(await killInCall(Careless)).toMatchObject({ status: "completed", paused: false, result: DONE, calls: 2, keys: 1 });
});

test("a tool whose outside system can be asked is called once", async () => {
  expect(await killInCall(Asking)).toMatchObject({ status: "completed", paused: false, result: DONE, calls: 1 });
});

test("a tool that is neither waits for a person, and is called once", async () => {
  expect(await killInCall(Parking)).toMatchObject({ status: "completed", paused: true, result: DONE, calls: 1 });
});

test("an existing generateText in one step goes on at the call that was in flight", async () => {
  expect(await killInCall(OneStep)).toMatchObject({ status: "completed", paused: false, result: "Refunded.", calls: 1 });
});
