/** The words and forms that the command line speaks in. */
import { describe, expect, test } from "vitest";
import { ownColumns } from "../../src/cli/io.ts";
import { parseDuration } from "../../src/cli/option-values.ts";
import { eventText } from "../../src/cli/output/event.ts";
import { bytesText, causeText, groupText, holderText, statusSentence, unitsText } from "../../src/cli/output/item.ts";
import { createCliLogger } from "../../src/cli/output/logger.ts";
import { colorWanted, createStyle } from "../../src/cli/output/style.ts";
import { facts, table } from "../../src/cli/output/table.ts";
import { clean, cut, widthOf, wrap } from "../../src/cli/output/text.ts";
import { duration, instant, relative } from "../../src/cli/output/time.ts";
import { createCrewLog } from "../../src/cli/processes/crew-log.ts";
import { shellWord } from "../../src/cli/refs.ts";
import { editDistance, nearest } from "../../src/cli/suggest.ts";
import { dollarsOf } from "../../src/domain/prices.ts";
import { NO_UNITS } from "../../src/domain/units.ts";
import type { ItemStatus } from "../../src/runtime/inspect.ts";

const plain = createStyle(false);
const sink = (isTTY: boolean) => ({ isTTY, write: () => true });

test("an item that kills its workers is said to have done so as often as is known", () => {
  expect(causeText({ kind: "crashed", attempts: 7 })).toBe(
    "its worker died too often while nothing else was at work, the last time in attempt 7; the worker's log may say why",
  );
});
test("thousands of children are told apart", () => {
  const group = { name: "bills", total: 5_000, succeeded: 1_199, failed: 1, limit: 1_000 };
  expect(groupText(group)).toBe("bills: 1,200 of 5,000 have ended, 1 badly, at most 1,000 at once");
});
test.each([
  [
    { writes: 1_131, reads: 88.5, requests: 129.33, puts: 4, gets: 2 },
    "about $0.00079 of AWS: 1,131 writes, 88.5 reads, 129.33 requests to the queue, 4 puts, 2 gets; ",
  ],
  [{ ...NO_UNITS, writes: 2 }, "about $0.0000013 of AWS: 2 writes; "],
  [{ ...NO_UNITS, puts: 1_234_000 }, "about $6.17 of AWS: 1,234,000 puts; "],
])("units are counted, and what they come to", (units, text) => {
  expect(unitsText({ ...units, dollars: dollarsOf(units) })).toBe(
    `${text}not in it: its enqueue, what came after it was last saved, sweeps, Lambda's time`,
  );
});
test("a resume that comes too late is no refusal", () => {
  const refused = { kind: "refused", atMs: 0, version: 0, status: "ready" } as const;
  expect(eventText({ ...refused, command: "resume" })).toBe("resume had nothing to do: it was ready");
  expect(eventText({ ...refused, command: "redrive" })).toBe("redrive refused: it was ready");
});

describe("times", () => {
  test.each([
    [0, "now"],
    [-999, "now"],
    [-3_000, "3 s ago"],
    [299_600, "in 5 min"],
    [3_598_000, "in 1 h"],
    [-35 * 60_000, "35 min ago"],
    [86_400_000 * 40, "in 40 d"],
    [86_400_000 * 365 * 3, "in 3 years"],
  ])("%i ms from now is %s", (ms, text) => expect(relative(1e12 + ms, 1e12)).toBe(text));
  test.each([
    [12, "12 ms"],
    [4_260, "4.2 s"],
    [59_999, "59 s"],
    [125_000, "2 min 5 s"],
    [3 * 3_600_000, "3 h"],
    [26 * 3_600_000, "1 d 2 h"],
    [-5, "0 ms"],
  ])("%i ms last %s", (ms, text) => expect(duration(ms)).toBe(text));
  test("an instant no calendar has is said, not thrown", () => {
    expect(instant(Number.MAX_SAFE_INTEGER)).toBe("never");
    expect(instant(0)).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  });
  test.each([
    ["500", 500],
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["1h 30min", 5_400_000],
    ["1.5s", 1_500],
    ["PT10M", 600_000],
    ["P1DT12H", 129_600_000],
    ["2w", 1_209_600_000],
    ["0", 0],
  ])("%s is %i ms", (text, ms) => expect(parseDuration(text)).toBe(ms));
  test.each(["", "soon", "P", "PT", "-5m", "10 parsecs", "1h30", "constructor", "5constructor", "9".repeat(400), "P9999999999Y"])(
    "%j is no duration",
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );
});

describe("text", () => {
  test.each([
    ["abc", 3],
    ["日本", 4],
    ["👩‍👩‍👧", 2],
    ["é\u0301", 1],
    ["\u001b[31mred\u001b[39m", 3],
  ])("%j takes %i columns", (text, width) => expect(widthOf(text)).toBe(width));
  test("is cut to a width, between what belongs together", () => {
    expect(cut("abcdef", 4)).toBe("abc…");
    expect(cut("日本語", 4)).toBe("日…");
    expect(cut("abcd", 4)).toBe("abcd");
    expect(widthOf(cut("x".repeat(100_000), 20))).toBe(20);
  });
  test("cannot steer the terminal", () => {
    expect(clean("a\u001b[2J\u0007\nb\u202ec")).toBe("a b c");
  });
  test("is wrapped at words, and within a word that is longer than a line", () => {
    expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
    expect(wrap("abcdefghij k", 4)).toEqual(["abcd", "efgh", "ij k"]);
  });
  test("is quoted for a shell where it has to be", () => {
    expect([shellWord("a/b.c"), shellWord("it's"), shellWord("a b")]).toEqual(["a/b.c", `'it'\\''s'`, "'a b'"]);
  });
});

describe("tables", () => {
  const columns = [
    { head: "ID", cell: (row: readonly string[]) => row[0] ?? "", cut: "never" as const },
    { head: "NAME", cell: (row: readonly string[]) => row[1] ?? "" },
    { head: "NOTE", cell: (row: readonly string[]) => row[2] ?? "" },
  ];
  test("fit: what may be cut is cut, the widest first", () => {
    const lines = table(columns, [["0".repeat(20), "n".repeat(50), "x".repeat(50)]], plain, 60);
    expect(lines.map(widthOf)).toEqual([expect.any(Number), 60]);
    expect(lines[1]).toContain("0".repeat(20));
  });
  test("cut first what is to be cut first", () => {
    const ranked = columns.map((column) => (column.head === "NAME" ? { ...column, cut: "first" as const } : column));
    expect(table(ranked, [["0".repeat(20), "n".repeat(20), "x".repeat(25)]], plain, 60)[1]).toBe(
      `${"0".repeat(20)}  ${"n".repeat(10)}…  ${"x".repeat(25)}`,
    );
    expect(table(ranked, [["0".repeat(20), "n".repeat(20), "x".repeat(50)]], plain, 60)[1]).toBe(
      `${"0".repeat(20)}  nnnnn…  ${"x".repeat(29)}…`,
    );
  });
  test("leave out a column that says nothing", () => {
    expect(table(columns, [["1", "a", ""]], plain, 80)).toEqual(["ID  NAME", "1   a"]);
  });
  test("line up wide letters", () => {
    const [, first, second] = table(
      columns,
      [
        ["1", "日本", "x"],
        ["1", "abcd", "x"],
      ],
      plain,
      80,
    );
    expect(widthOf(first ?? "")).toBe(widthOf(second ?? ""));
  });
  test("of facts wrap their values under each other", () => {
    const lines = facts(
      [
        ["a", "word ".repeat(30)],
        ["none", null],
      ],
      plain,
      40,
    )
      .join("\n")
      .split("\n");
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
    expect(lines[1]).toMatch(/^ {3}word/);
  });
  test("of facts break a word that no line can hold", () => {
    const lines = facts([["key", "x".repeat(100)]], plain, 40)
      .join("\n")
      .split("\n");
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
  });
});

describe("colours", () => {
  test.each([
    ["a terminal", {}, {}, true, true],
    ["a pipe", {}, {}, false, false],
    ["NO_COLOR", {}, { NO_COLOR: "1" }, true, false],
    ["FORCE_COLOR", {}, { FORCE_COLOR: "1" }, false, true],
    ["--no-color over FORCE_COLOR", { color: false }, { FORCE_COLOR: "1" }, true, false],
    ["a dumb terminal", {}, { TERM: "dumb" }, true, false],
  ])("with %s", (_name, flags, env, isTTY, wanted) => expect(colorWanted(flags, env, sink(isTTY))).toBe(wanted));
});

test("a process that was killed for its silence is told about once", () => {
  const said: string[] = [];
  const say = (level: string) => (message: string) => void said.push(`${level} ${message}`);
  const log = createCrewLog({ debug: () => undefined, info: say("info"), warn: say("warn"), error: say("error") });
  const died = { kind: "exited", code: null, signal: "SIGKILL", wasReady: true, asked: false, failure: null } as const;
  log({ kind: "silent", pid: 7, forMs: 20_000 });
  log({ ...died, pid: 7 });
  log({ ...died, pid: 8 });
  expect(said).toEqual([
    "warn worker process is silent, a step in it spins: it is killed and replaced",
    "warn worker process died: it is replaced",
  ]);
});
describe("the logger", () => {
  const logged = (form: "human" | "json", verbose = false): { lines: string[]; logger: ReturnType<typeof createCliLogger> } => {
    const lines: string[] = [];
    const write = (chunk: string | Uint8Array) => {
      lines.push(String(chunk));
      return true;
    };
    return { lines, logger: createCliLogger({ sink: { write }, form, verbose, style: plain }) };
  };
  test("writes lines of JSON, whatever the fields are", () => {
    const { lines, logger } = logged("json");
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    logger.warn("odd", { big: 5n, error: new Error("no") });
    logger.error("odd", loop);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "warn", message: "odd", big: "5", error: { message: "no" } });
    expect(() => JSON.parse(lines[1] ?? "")).not.toThrow();
  });
  test("wraps what is longer than a terminal, at words", () => {
    const lines: string[] = [];
    const sink = { isTTY: true, columns: 40, write: (chunk: string | Uint8Array) => lines.push(String(chunk)) > 0 };
    const logger = createCliLogger({ sink, form: "human", verbose: false, style: plain });
    logger.warn("one two three four five six", { workId: "x".repeat(50) });
    expect(ownColumns({ ...sink, columns: 0 })).toBe(80);
    expect(lines.join("").split("\n").slice(1)).toEqual(["         four five six", `         workId=${"x".repeat(50)}`, ""]);
  });
  test("writes one line for people, and details when they are wanted", () => {
    const { lines, logger } = logged("human");
    logger.debug("hidden");
    logger.info("hidden");
    logger.error("two\nlines", { workId: "x\u001b[31m" });
    expect(lines).toEqual([expect.stringMatching(/^\d\d:\d\d:\d\d error two lines workId=x\n$/)]);
    const loud = logged("human", true);
    loud.logger.debug("shown");
    expect(loud.lines).toHaveLength(1);
  });
});

test("a misspelt word is told the nearest one, and nothing when none is near", () => {
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(nearest("countr", ["watchlist", "counter"])).toBe("counter");
  expect(nearest("zebra", ["watchlist", "counter"])).toBeNull();
  expect(nearest("enq", ["events", "engines", "enqueue"])).toBe("enqueue");
  expect(nearest("x", [])).toBeNull();
});
describe("the sentence of an item", () => {
  const item = { status: "queued", suspect: false, wakeAtMs: null, retrying: false } as unknown as ItemStatus;
  test("says what a queued one waits for", () => {
    expect(statusSentence(item, 0, null)).toBe("waits for a worker");
    expect(statusSentence({ ...item, suspect: true }, 0, null)).toBe("waits to run alone: its worker died in it");
    expect(statusSentence({ ...item, suspect: true }, 0, "needs engine x")).toBe("needs engine x");
  });
});
test("sizes and holders are said in words", () => {
  expect([0, 999, 1_500, 2_000_000, 5e15].map(bytesText)).toEqual(["0 B", "999 B", "1.5 kB", "2.0 MB", "5000 TB"]);
  expect(holderText("linux/m/b/4026531836/4711/99")).toBe("process 4711");
  expect(holderText("other/host/4711")).toBe("process 4711");
});
