/** The table of sabotages stays one: `npm run sim:sabotage` has the machines find them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { applied } from "./break.ts";
import { BREAKS } from "./breaks.ts";

const ROOT = join(import.meta.dirname, "../..");
const MOST_CHARS = 60;

test("there are enough sabotages, each with a name of its own that fits its column", () => {
  const names = BREAKS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(40);
  expect(names.filter((name) => name.length >= MOST_CHARS)).toEqual([]);
});

test.each(BREAKS.map((one) => [one.name, one] as const))("%s: its texts are there once, and it changes code", (_name, one) => {
  for (const file of new Set(one.edits.map((edit) => edit.file))) {
    const text = readFileSync(join(ROOT, file), "utf8");
    const broken = applied(one, file, text);
    expect(broken).not.toBe(text);
  }
});
