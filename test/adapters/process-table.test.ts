import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { createProcessTable, isGoneFor, parseIdentity, parseStat } from "../../src/adapters/node/process-table.ts";

const FIRST_NAMESPACE = "4026531836";
const me = { machine: "aa", boot: "b1", pidNamespace: FIRST_NAMESPACE, pid: 10, start: "500" };
const nameOf = (fields: Partial<typeof me>) => {
  const { machine, boot, pidNamespace, pid, start } = { ...me, pid: 20, ...fields };
  return `linux/${machine}/${boot}/${pidNamespace}/${pid}/${start}`;
};
const alive = { exists: true, start: "500", zombie: false };
const missing = { exists: false, start: null, zombie: false };

describe("a holder is gone", () => {
  test.each([
    ["when its pid is not there", nameOf({}), missing],
    ["when its pid was given to a later process", nameOf({ start: "499" }), alive],
    ["when it is a zombie", nameOf({}), { ...alive, zombie: true }],
    ["when the machine was started again", nameOf({ boot: "b2" }), alive],
  ])("%s", (_when, holder, found) => {
    expect(isGoneFor(me, holder, () => found)).toBe(true);
  });
});

describe("a holder is not known to be gone", () => {
  test.each([
    ["while it runs", nameOf({}), alive],
    ["when its start may not be read", nameOf({}), { ...alive, start: null }],
    ["in another pid namespace", nameOf({ pidNamespace: "1" }), missing],
    ["on another machine", nameOf({ machine: "cc", boot: "b2" }), missing],
    ["on a machine without an id", nameOf({ machine: "", boot: "b2" }), missing],
    ["in a container of another boot", nameOf({ boot: "b2", pidNamespace: "1" }), missing],
    ["by a name of another kind", "other/host/20", missing],
    ["by a broken name", nameOf({}).slice(0, -3), missing],
    ["without a name", "", missing],
  ])("%s", (_when, holder, found) => {
    expect(isGoneFor(me, holder, () => found)).toBe(false);
  });
  test("from a machine without an id", () => {
    expect(isGoneFor({ ...me, machine: "" }, nameOf({ machine: "", boot: "b2" }), () => missing)).toBe(false);
  });
  test("from within a container, after another boot", () => {
    const container = { ...me, pidNamespace: "1" };
    expect(isGoneFor(container, nameOf({ boot: "b2" }), () => missing)).toBe(false);
  });
});

describe("the start time is read", () => {
  const rest = `S 1 ${"0 ".repeat(17)}220002 more`;
  test.each(["node", "a b", "a) R 1 (b", "((", ") Z 1"])("of a process named %j", (name) => {
    expect(parseStat(`123 (${name}) ${rest}`)).toEqual({ state: "S", start: "220002" });
  });
  test.each(["", "123 (node) S 1 2"])("not of %j", (stat) => {
    expect(parseStat(stat)).toBeNull();
  });
});

describe("real processes", () => {
  const table = createProcessTable();
  const children: ReturnType<typeof spawn>[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });
  test("this one is not gone, for another table neither", () => {
    expect(table.isGone(table.self)).toBe(false);
    expect(createProcessTable().isGone(table.self)).toBe(false);
  });
  test.runIf(process.platform === "linux")("a killed one is gone, and this one under another start time", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    children.push(child);
    await once(child, "spawn");
    const mine = parseIdentity(table.self);
    const holder = (pid: number | undefined, start: string) =>
      `linux/${mine?.machine}/${mine?.boot}/${mine?.pidNamespace}/${pid}/${start}`;
    expect(table.isGone(holder(child.pid, "1"))).toBe(true);
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    expect(table.isGone(holder(child.pid, "2"))).toBe(true);
    expect(table.isGone(holder(process.pid, mine?.start ?? ""))).toBe(false);
    expect(table.isGone(holder(process.pid, `${mine?.start}0`))).toBe(true);
  });
});
