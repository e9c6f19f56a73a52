import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openEmbedded } from "../../src/embedded.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { DEFAULT_SETTINGS, type Settings, settingsOf } from "../../src/runtime/settings.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { createWorld } from "../support/world.ts";

test.each<[Partial<Settings>, RegExp]>([
  [
    { leaseDurationMs: 20 * 60_000, visibilityMs: 25 * 60_000 },
    /settings.visibilityMs: expected more than .* at most 900000, got 1500000/,
  ],
  [{ heartbeatMs: 10_000 }, /settings.leaseDurationMs: expected more than three heartbeats of 10000 ms, got 20000/],
  [{ heartbeatMs: 0 }, /settings.heartbeatMs: expected 1 or more, got 0/],
  [{ visibilityMs: 20_000 }, /settings.visibilityMs: expected more than leaseDurationMs \(20000\)/],
  [{ maxDelayMs: 900_001 }, /settings.maxDelayMs: expected at most 900000, got 900001/],
  [{ retentionMs: 1.5 }, /settings.retentionMs: expected whole milliseconds, 0 or more, got 1.5/],
  [{ patienceMs: Number.NaN }, /settings.patienceMs/],
  [{ abandonMs: -1 }, /settings.abandonMs/],
])("settings that would break the protocol are refused: %j", (given, message) => {
  expect(() => settingsOf(given)).toThrow(message);
});

test("settings are the defaults with what is given in their place", () => {
  expect(settingsOf({})).toEqual(DEFAULT_SETTINGS);
  expect(settingsOf({ retentionMs: 0 })).toEqual({ ...DEFAULT_SETTINGS, retentionMs: 0 });
});

test("a store is not opened with them", () => {
  const home = mkdtempSync(join(tmpdir(), "rookery-settings-"));
  expect(() => openEmbedded({ home, settings: { leaseDurationMs: 1 } })).toThrow(/settings.leaseDurationMs/);
  rmSync(home, { recursive: true });
});

test.each([0, -1, 1.5, Number.NaN])("a worker of %j items at once is refused", (concurrency) => {
  const options = { concurrency, lanes: null, graceMs: 0, onAbandoned: () => undefined };
  expect(() => createWorker(createWorld().deps, createEngines([]), options)).toThrow(
    /concurrency: expected a whole number from 1/,
  );
});
