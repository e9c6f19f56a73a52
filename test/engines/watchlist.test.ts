/** The watchlist against a real server. The network keeps real time while the virtual clock stands. */
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { MAX_BODY_BYTES } from "../../src/engines/observe.ts";
import { Watchlist, watchlist } from "../../src/engines/watchlist.ts";
import { createWorld, type World } from "../support/world.ts";
import { openPage, type Page } from "./page.ts";

const CLAIM = "Rooks nest in colonies";
const PATIENCE_MS = 10_000;

const pages: Page[] = [];
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});
async function page(...answer: Parameters<typeof openPage>): Promise<Page> {
  const opened = await openPage(...answer);
  pages.push(opened);
  return opened;
}

async function until(world: World, what: () => Promise<boolean>): Promise<void> {
  for (const endsAtMs = Date.now() + PATIENCE_MS; !(await what()); await sleep(2)) {
    if (Date.now() > endsAtMs) throw new Error(`still waiting for: ${what}`);
    await world.settle();
  }
}

interface Watched {
  readonly world: World;
  readonly workId: string;
}
interface Wanted {
  readonly url: string;
  readonly claim?: string;
  readonly checksRequired?: number;
  readonly delaySeconds?: number;
}
async function watch(wanted: Wanted): Promise<Watched> {
  const world = createWorld();
  world.work([watchlist]);
  const { workId } = await world.client.enqueue(Watchlist, { claim: CLAIM, checksRequired: 1, delaySeconds: 0, ...wanted });
  return { world, workId };
}
const versionIs =
  ({ world, workId }: Watched, version: number) =>
  async () =>
    (await world.client.status(workId)).version === version;

async function resultOf({ world, workId }: Watched) {
  await until(world, async () => (await world.client.status(workId)).endedAtMs !== null);
  const end = await world.client.result(Watchlist, workId, { timeoutMs: 0 });
  if (end.status !== "completed") throw new Error(`expected completed, got ${JSON.stringify(end)}`);
  return end.result;
}
/** Of an item with one check. */
async function observedAt(url: string, more: Partial<Wanted> = {}): Promise<unknown> {
  const watched = await watch({ url, ...more });
  await resultOf(watched);
  const entries = await watched.world.client.log(watched.workId);
  expect(entries).toHaveLength(1);
  return entries[0];
}

describe("a look", () => {
  test("finds the claim, and says what was read", async () => {
    const body = `<p>${CLAIM}.</p>`;
    const { url } = await page((_request, response) => response.end(body));
    expect(await observedAt(url)).toEqual({
      check: 1,
      atMs: 1_700_000_000_000,
      latencyMs: 0,
      status: 200,
      ok: true,
      claimFound: true,
      bytes: body.length,
      truncated: false,
      digest: createHash("sha256").update(body).digest("hex"),
    });
  });

  test("does not mind upper and lower case, white space and character sets", async () => {
    const { url } = await page((_request, response) => {
      response.setHeader("content-type", "text/plain; charset=iso-8859-1");
      response.end(Buffer.from("KRÄHEN\n\t NISTEN", "latin1"));
    });
    expect(await observedAt(url, { claim: " Krähen nisten " })).toMatchObject({ claimFound: true });
  });

  test("reads on when the character set is made up", async () => {
    const { url } = await page((_request, response) =>
      response.setHeader("content-type", "text/plain; charset=rook-8").end(CLAIM),
    );
    expect(await observedAt(url)).toMatchObject({ claimFound: true });
  });

  test("sees that the claim is missing", async () => {
    const { url } = await page((_request, response) => response.end("nothing of the kind"));
    expect(await observedAt(url)).toMatchObject({ status: 200, ok: true, claimFound: false });
  });

  test("takes an error status for an observation", async () => {
    const { url } = await page((_request, response) => response.writeHead(500).end("down"));
    expect(await observedAt(url)).toMatchObject({ status: 500, ok: false, claimFound: false, bytes: 4 });
  });

  test("takes a socket that closes for an observation", async () => {
    const { url } = await page((request) => request.socket.destroy());
    expect(await observedAt(url)).toMatchObject({ check: 1, error: expect.stringMatching(/^fetch failed: .+/) });
  });

  test("takes a body that breaks off for an observation", async () => {
    const { url } = await page((request, response) => {
      response.setHeader("content-length", 100);
      response.write(CLAIM, () => request.socket.destroy());
    });
    expect(await observedAt(url)).toMatchObject({ error: expect.any(String) });
  });

  test("takes a refused connection for an observation", async () => {
    const closed = await openPage((_request, response) => response.end());
    await closed.close();
    expect(await observedAt(closed.url)).toMatchObject({ error: expect.stringContaining("ECONNREFUSED") });
  });

  test("takes what is no HTTP for an observation", async () => {
    const server = createServer((socket) => socket.end("SSH-2.0-rook\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await observedAt(`http://127.0.0.1:${port}/`)).toMatchObject({ error: expect.stringContaining("fetch failed") });
    server.close();
  });

  test("follows a redirect and says where it led", async () => {
    const { url } = await page((request, response) =>
      request.url === "/" ? response.writeHead(302, { location: "/moved" }).end() : response.end(CLAIM),
    );
    expect(await observedAt(url)).toMatchObject({ status: 200, claimFound: true, finalUrl: `${url}moved` });
  });

  test("ends a redirect loop", async () => {
    const opened = await page((_request, response) => response.writeHead(302, { location: "/" }).end());
    expect(await observedAt(opened.url)).toMatchObject({ error: expect.stringContaining("redirect count exceeded") });
    expect(opened.seen).toHaveLength(21);
  });

  test("follows no redirect to a file", async () => {
    const { url } = await page((_request, response) => response.writeHead(302, { location: "file:///etc/hostname" }).end());
    expect(await observedAt(url)).toMatchObject({ error: expect.stringMatching(/fetch failed: .+/) });
  });

  test("reads no more than its bound of an endless body", async () => {
    const chunk = "x".repeat(65_536);
    let closed = false;
    const { url } = await page((_request, response) => {
      response.on("close", () => {
        closed = true;
      });
      const more = (): void => {
        while (response.write(chunk));
        response.once("drain", more);
      };
      more();
    });
    const expected = createHash("sha256").update("x".repeat(MAX_BODY_BYTES)).digest("hex");
    expect(await observedAt(url)).toMatchObject({ bytes: MAX_BODY_BYTES, truncated: true, digest: expected });
    await expect.poll(() => closed).toBe(true);
  });

  test("takes a server that hangs for an observation, once its time is over", async () => {
    const opened = await page(() => undefined);
    const watched = await watch({ url: opened.url });
    await until(watched.world, async () => opened.seen.length === 1);
    await watched.world.advance(20_000);
    await until(watched.world, versionIs(watched, 2));
    expect(await watched.world.client.log(watched.workId)).toEqual([
      { check: 1, atMs: 1_700_000_000_000, latencyMs: 20_000, error: "no answer within 20 s" },
    ]);
    expect(opened.seen).toHaveLength(1);
    expect(await resultOf(watched)).toMatchObject({ verdict: "no_answer", failed: 1 });
  });

  test("is given back, not observed, when its worker shuts down", async () => {
    const opened = await page((_request, response) => (opened.seen.length === 1 ? undefined : response.end(CLAIM)));
    const world = createWorld();
    const first = world.work([watchlist], { graceMs: 0 });
    const { workId } = await world.client.enqueue(Watchlist, {
      url: opened.url,
      claim: CLAIM,
      checksRequired: 1,
      delaySeconds: 0,
    });
    await until(world, async () => opened.seen.length === 1);
    await first.stop();
    expect(await world.client.status(workId)).toMatchObject({ version: 0, logEntries: 0 });
    world.work([watchlist]);
    expect(await resultOf({ world, workId })).toMatchObject({ verdict: "found", checks: 1 });
  });
});

describe("a watch", () => {
  test("waits between looks and reports what they found", async () => {
    const opened = await page((_request, response) => {
      if (opened.seen.length === 2) response.writeHead(503).end("busy");
      else response.end(opened.seen.length === 1 ? CLAIM : "gone");
    });
    const watched = await watch({ url: opened.url, checksRequired: 3, delaySeconds: 3600 });
    const { world, workId } = watched;
    for (const check of [1, 2]) {
      await until(world, versionIs(watched, check));
      expect(await world.client.status(workId)).toMatchObject({ status: "sleeping", step: `check ${check + 1}` });
      expect(await world.client.state(workId)).toEqual({ checked: check });
      await world.advance(3_599_000, 600_000);
      expect(opened.seen).toHaveLength(check);
      await world.advance(1_000);
    }
    const { report, ...summary } = await resultOf(watched);
    expect(summary).toEqual({ verdict: "changed", checks: 3, served: 2, found: 1, failed: 1 });
    expect(await world.client.status(workId)).toMatchObject({ status: "completed", version: 4, logEntries: 3, artifacts: 1 });

    const { ref, content } = await world.client.artifact(workId, "evidence.json");
    const bytes = Buffer.concat(await Array.fromAsync(content));
    expect(ref).toMatchObject({ ...report, mediaType: "application/json" });
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(report.digest);
    expect(JSON.parse(bytes.toString())).toMatchObject({
      url: opened.url,
      claim: CLAIM,
      verdict: "changed",
      checks: 3,
      observations: [
        { check: 1, at: "2023-11-14T22:13:20.000Z", status: 200, claimFound: true },
        { check: 2, at: "2023-11-14T23:13:20.000Z", status: 503, ok: false },
        { check: 3, at: "2023-11-15T00:13:20.000Z", status: 200, claimFound: false },
      ],
    });
  });

  test.each([
    ["found", CLAIM],
    ["not_found", "something else"],
  ])("says %s when every page agrees", async (verdict, body) => {
    const { url } = await page((_request, response) => response.end(body));
    expect(await resultOf(await watch({ url, checksRequired: 3 }))).toMatchObject({ verdict, checks: 3, served: 3, failed: 0 });
  });

  test("goes on from the last look after its worker died", async () => {
    const opened = await page((_request, response) => response.end(CLAIM));
    const world = createWorld();
    const first = world.work([watchlist]);
    const { workId } = await world.client.enqueue(Watchlist, {
      url: opened.url,
      claim: CLAIM,
      checksRequired: 4,
      delaySeconds: 60,
    });
    const watched = { world, workId };
    await until(world, versionIs(watched, 1));
    await world.advance(60_000);
    await until(world, versionIs(watched, 2));
    first.die();
    world.work([watchlist]);
    for (const version of [3, 5]) {
      await world.advance(60_000);
      await until(world, versionIs(watched, version));
    }
    expect(opened.seen).toHaveLength(4);
    expect(await world.client.log(workId)).toMatchObject([{ check: 1 }, { check: 2 }, { check: 3 }, { check: 4 }]);
  });
});

const good = { url: "http://127.0.0.1/", claim: CLAIM, checksRequired: 1, delaySeconds: 0 };
test.each([
  ["url", { ...good, url: "file:///etc/hostname" }],
  ["url", { ...good, url: "rooks" }],
  ["url", { ...good, url: `http://127.0.0.1/${"x".repeat(2_048)}` }],
  ["claim", { ...good, claim: "  " }],
  ["checksRequired", { ...good, checksRequired: 0 }],
  ["checksRequired", { ...good, checksRequired: 1.5 }],
  ["delaySeconds", { ...good, delaySeconds: -1 }],
])("a payload with an unusable %s is refused at the door: %j", async (field, payload) => {
  const refused = createWorld().client.enqueue(Watchlist, payload);
  await expect(refused).rejects.toMatchObject({ code: "schema", message: expect.stringContaining(`$.${field}`) });
});
