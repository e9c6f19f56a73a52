/** The store in one file, under several processes at once of which some are killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHome, type Home } from "../contract/embedded.ts";
import type { Operation } from "./history.ts";
import { findFlaw } from "./linearizable.ts";

let home: Home;
const children: ChildProcess[] = [];
beforeEach(() => {
  home = createHome();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  home.close();
});

const OPERATIONS = process.env["ROOKERY_SOAK"] === "1" ? 1_000 : 120;
/** So many of its operations are on record when a client is killed. */
const KILLED_AFTER = 40;

const notesOf = (name: string): string => join(home.path, `${name}.notes`);
function start(name: string): ChildProcess {
  const script = join(import.meta.dirname, "children/client.ts");
  const child = spawn(process.execPath, [script, home.file, name, notesOf(name), String(OPERATIONS)], { stdio: "inherit" });
  children.push(child);
  return child;
}
function linesOf(name: string): string[] {
  try {
    return readFileSync(notesOf(name), "utf8").split("\n");
  } catch {
    return [];
  }
}
async function killed(name: string): Promise<void> {
  const child = start(name);
  const ended = once(child, "exit");
  while (child.exitCode === null && linesOf(name).length < KILLED_AFTER) await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill("SIGKILL");
  await ended;
}
/** A last line that is not whole was never acted upon: a client notes before it asks. */
function historyOf(name: string): Operation[] {
  const byId = new Map<number, Operation>();
  for (const line of linesOf(name).slice(0, -1)) {
    const { id, ...fields } = JSON.parse(line);
    byId.set(id, { endedAt: null, answer: null, ...byId.get(id), ...fields });
  }
  return [...byId.values()];
}

test("in one file is linearizable for several processes, with some of them killed", async () => {
  const [lasting, dying] = [
    ["p", "q", "r"],
    ["x", "y"],
  ];
  await Promise.all([...lasting.map((name) => once(start(name), "exit")), ...dying.map(killed)]);
  const history = [...lasting, ...dying].flatMap(historyOf);
  const isOf = (names: readonly string[], client: string): boolean => names.some((name) => client.startsWith(`${name}.`));
  const ofLasting = history.filter(({ client, endedAt }) => isOf(lasting, client) && endedAt !== null);
  expect(ofLasting.length).toBeGreaterThanOrEqual(lasting.length * OPERATIONS);
  expect(history.filter(({ client }) => isOf(dying, client)).length).toBeGreaterThan(0);
  expect(findFlaw(history), "no order explains what the clients were told").toBeNull();
});
