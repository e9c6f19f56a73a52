import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openEmbedded } from "../../src/embedded.ts";
import { StoreUnavailableError } from "../../src/index.ts";

const homes: string[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});
function aHome(): string {
  const home = mkdtempSync(join(tmpdir(), "rookery-in-place-"));
  homes.push(home);
  return home;
}

test("a worker whose database is deleted stops, and says so, instead of working where nobody looks", async () => {
  const home = aHome();
  const store = openEmbedded({ home });
  const working = store.work(new AbortController().signal);
  working.catch(() => undefined);
  rmSync(home, { recursive: true });
  const error: unknown = await working.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  store.close();
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(String(error)).toContain(`database ${store.databasePath}: it was deleted or replaced while it was in use`);
});

test("a worker whose database stays where it is stops only when it is told to", async () => {
  const store = openEmbedded({ home: aHome() });
  const stop = new AbortController();
  const working = store.work(stop.signal);
  stop.abort();
  await expect(working).resolves.toBeUndefined();
  store.close();
});
