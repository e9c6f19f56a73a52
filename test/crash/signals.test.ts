/** Many senders, an item that waits, works, fails, ends and lives again, and workers that are killed. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Listener, type Note } from "./listener.ts";
import { isAlive, kill, openSite, type Program, type Site, until } from "./support.ts";

const SOAK = process.env["ROOKERY_SOAK"] === "1";
const SENDERS = 20;
const SIGNALS = SOAK ? 10_000 : 500;
const QUIET_MS = 40;
/** All are silent so often, until the item has ended: the next one to speak begins a new life. */
const SILENCES = SOAK ? 20 : 3;
/** No more than can be replaced: somebody is left to work. */
const KILL_EVERY_MS = 700;
const MAX_KILLS = SOAK ? Number.POSITIVE_INFINITY : 8;
const ENGINES = fileURLToPath(new URL("./listener.ts", import.meta.url));

/** Resolves for everyone once the last one has come and the item has ended. */
function createSilence(ended: () => Promise<unknown>): () => Promise<void> {
  let come = 0;
  let open = (): void => undefined;
  let opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return async () => {
    const mine = opened;
    if (++come === SENDERS) {
      come = 0;
      const last = open;
      opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      await ended();
      last();
    }
    await mine;
  };
}

/** Sends its notes one after the other; every one starts a new life when the one before has ended. */
async function speak(site: Site, sender: number, lives: Set<string>, silence: () => Promise<void>): Promise<void> {
  const each = SIGNALS / SENDERS;
  for (let n = 0; n < each; n++) {
    if (n > 0 && n % Math.floor(each / SILENCES) === 0) await silence();
    const signal = { name: "note", payload: { sender, n }, id: `${sender}.${n}` } as const;
    const { workId, accepted } = await site.store.enqueue(
      Listener,
      { quietMs: QUIET_MS },
      { key: "one", ifEnded: "again", signal },
    );
    expect(accepted).toBe(true);
    lives.add(workId);
  }
}

async function killWhile(worker: Program, goOn: () => boolean): Promise<number> {
  let kills = 0;
  while (goOn()) {
    await sleep(KILL_EVERY_MS);
    const alive = worker.readyPids().filter(isAlive);
    const victim = alive[Math.floor(Math.random() * alive.length)];
    if (victim === undefined || alive.length < 2 || kills === MAX_KILLS || !goOn()) continue;
    kill(victim, "SIGKILL");
    kills++;
  }
  return kills;
}

test("every accepted signal is delivered once, in order per sender, whoever is killed", async () => {
  await using site = openSite();
  const worker = site.start(["--engines", ENGINES, "worker", "--processes", "3"]);
  await until("workers are ready", () => worker.readyPids().length === 3);
  const lives = new Set<string>();
  let speaking = true;
  const killing = killWhile(worker, () => speaking);
  const silence = createSilence(() => site.end([...lives].at(-1) ?? "", 60_000));
  await Promise.all(Array.from({ length: SENDERS }, (_, sender) => speak(site, sender, lives, silence)));
  speaking = false;
  const kills = await killing;
  for (const id of lives) await site.end(id, 60_000);
  worker.signal("SIGTERM");
  expect(await worker.ended).toBe(0);

  const heard: Note[] = [];
  // Lives follow one another, so their logs one after the other are what was heard.
  for (const id of lives) {
    const status = await site.store.status(id);
    expect(status).toMatchObject({ status: "completed", buffered: 0 });
    heard.push(...(await site.store.log(id)).map((entry) => entry as Note));
  }
  for (let sender = 0; sender < SENDERS; sender++) {
    const mine = heard.filter((note) => note.sender === sender).map(({ n }) => n);
    expect(mine).toEqual(Array.from({ length: SIGNALS / SENDERS }, (_, n) => n));
  }
  expect(kills).toBeGreaterThan(2);
  expect(lives.size).toBeGreaterThan(1);
});
