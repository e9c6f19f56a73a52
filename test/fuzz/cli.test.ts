/** The command line and the config, given anything: what was expected, a documented exit code, and never a stack. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError as WrongOption } from "commander";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { loadConfig } from "../../src/cli/config-file.ts";
import { cursorIn } from "../../src/cli/cursor.ts";
import { CliError } from "../../src/cli/exit.ts";
import {
  countOption,
  durationOption,
  labelOption,
  originOption,
  parseDuration,
  portOption,
} from "../../src/cli/option-values.ts";
import { refsOf } from "../../src/cli/refs.ts";
import { RookeryError } from "../../src/domain/errors.ts";
import { call, scratch } from "../cli/support.ts";
import * as any from "../domain/arbitraries.ts";

const IS_SOAK = process.env["ROOKERY_SOAK"] === "1";
const RUNS = IS_SOAK ? 20_000 : 500;

const home = scratch();
afterAll(() => home.remove());

/** Texts that look like what an option takes. */
const almost = fc.array(
  fc.constantFrom(
    "1",
    "90",
    ".",
    "-",
    "e9",
    "s",
    "ms",
    "min",
    "y",
    " ",
    "P",
    "T",
    "D",
    "H",
    "=",
    "a",
    ":",
    "/",
    "http://",
    "\n",
    "９",
    "ſ",
  ),
  { maxLength: 8 },
);
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string(),
  almost.map((parts) => parts.join("")),
  fc.constant("9".repeat(400)),
);

function isRefused(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    if (error instanceof WrongOption || error instanceof CliError || error instanceof RookeryError) return true;
    throw error;
  }
}

describe("the value of an option", () => {
  test.each<[string, (given: string) => unknown]>([
    ["duration", durationOption],
    ["count", countOption],
    ["label", (given) => labelOption(given, { a: "1" })],
    ["port", portOption],
    ["origin", originOption],
    ["cursor", cursorIn],
    ["id", (given) => refsOf([given], {})],
    ["key", (given) => refsOf([], { engine: given, key: given })],
  ])("%s is taken, or refused with what was expected", (_name, parse) => {
    fc.assert(
      fc.property(text, (given) => void isRefused(() => parse(given))),
      { numRuns: RUNS },
    );
  });
  test("duration is a whole number of milliseconds that can be counted with, or none", () => {
    fc.assert(
      fc.property(text, (given) => {
        const ms = parseDuration(given);
        if (ms !== null) expect(Number.isSafeInteger(ms) && ms >= 0, `${given} is ${ms}`).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });
});

describe("the arguments", () => {
  /** These go on until they are stopped, or look at more than a store. */
  const LASTING = ["worker", "dev", "serve", "run", "tail", "doctor"];
  const names = COMMANDS.map(({ name }) => name).filter((name) => !LASTING.includes(name));
  const word = fc.oneof(
    fc.constantFrom("--limit", "--status", "--after", "--label", "--engine", "--key", "--json", "-v", "--last", "--id", "--lane"),
    fc.constantFrom(
      "--delay",
      "--deadline",
      "--again",
      "--reason",
      "--all",
      "--namespace",
      "--config",
      "--engines",
      "--no-color",
    ),
    fc.constantFrom("counter", "watchlist", "0".repeat(20), "counter/k", "{}", '{"upTo":1}', "-", "--", "@x", "", "list", "show"),
    text,
  );
  test("of any kind are answered with a documented exit code, in lines for a person", async () => {
    const argv = fc.tuple(fc.constantFrom(...names), fc.array(word, { maxLength: 5 })).map(([name, rest]) => [name, ...rest]);
    await fc.assert(
      fc.asyncProperty(argv, async (all) => {
        const { code, stderr } = await call(all, { cwd: home.path, env: { ROOKERY_HOME: join(home.path, ".rookery") } });
        expect([0, 2, 3, 4], `${JSON.stringify(all)}: ${code} ${stderr}`).toContain(code);
        const isVerbose = all.includes("-v");
        if (!isVerbose) expect(stderr, JSON.stringify(all)).not.toMatch(/^ {4}at /m);
      }),
      { numRuns: IS_SOAK ? 3_000 : 120 },
    );
  });
  test("that name no command are wrong usage", async () => {
    const unknown = fc
      .string({ minLength: 1 })
      .filter((one) => !/^[-\s]/.test(one) && !COMMANDS.some(({ name }) => name === one) && one !== "help");
    await fc.assert(
      fc.asyncProperty(unknown, fc.array(text, { maxLength: 3 }), async (name, rest) => {
        const isHelp = rest.some((one) => one === "-h" || one === "--help");
        const { code, stdout, stderr } = await call([name, ...rest], { cwd: home.path });
        if (isHelp) return;
        expect({ code, stdout }, `${JSON.stringify([name, ...rest])}: ${stderr}`).toEqual({ code: 2, stdout: "" });
      }),
      { numRuns: IS_SOAK ? 3_000 : 100 },
    );
  });
});

describe("a config", () => {
  const source = fc.oneof(
    any.json.map((json) => `export default ${JSON.stringify(json)};`),
    fc
      .dictionary(fc.constantFrom("engines", "namespace", "home", "more"), any.json)
      .map((config) => `export default ${JSON.stringify(config)};`),
    fc.constantFrom(
      "export default () => ({ engines: [] });",
      "export default new Proxy({}, { get() { throw new Error('a trap'); } });",
      "export default { engines: [{ get id() { throw 1; }, code: null }] };",
      "export default { engines: [null, undefined, 1] };",
      "throw undefined;",
      "throw null;",
      "throw { message: 1 };",
      "throw Object.create(null);",
      "throw new Proxy(new Error('x'), { get() { throw new Error('y'); } });",
      "await Promise.reject('text');",
      "export default class { static engines = []; };",
      "import './nowhere.js';",
      "export default {",
      "\u0000",
    ),
    fc.string(),
  );
  test("is one, or is refused with its path, whatever it says", async () => {
    mkdirSync(join(home.path, "configs"));
    let count = 0;
    await fc.assert(
      fc.asyncProperty(source, async (code) => {
        const path = join(home.path, "configs", `config-${++count}.mjs`);
        writeFileSync(path, code);
        try {
          await loadConfig(path);
        } catch (error) {
          expect(error, code).toBeInstanceOf(CliError);
          if (error instanceof CliError) expect(error.message).toContain(path);
        }
      }),
      { numRuns: IS_SOAK ? 1_000 : 80 },
    );
  });
});
