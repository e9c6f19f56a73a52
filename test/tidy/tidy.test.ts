/** What the repository must look like. Every rule is shown a small bad sample first: a check that cannot fail is a defect. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { browserLoadable, cycles, LAYERS, layering, unreachable } from "./graph.ts";
import { FILE_RULES, nameProblem } from "./rules.ts";
import { parseSource, type Source } from "./source.ts";
import { machineText, registryHosts } from "./text.ts";
import { trackedFiles } from "./tracked-files.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const tracked = trackedFiles(root);
const ours = tracked
  .filter((path) => /^(src|test|bench|scripts|examples|infra|localstack)\/.*\.(ts|mjs)$/.test(path))
  .map((path) => parseSource(path, read(path)));
const sources = ours.filter(({ path }) => path.startsWith("src/"));

const Target = z.object({ default: z.string() });
const Texts = z.record(z.string(), z.string());
const Manifest = z.object({ exports: z.record(z.string(), z.union([z.string(), Target])), bin: Texts, scripts: Texts });
const manifest = Manifest.parse(JSON.parse(read("package.json")));
const entries = entriesOf(manifest);
const scriptFiles = Object.values(manifest.scripts).flatMap((line) =>
  [...line.matchAll(/\bnode (\S+)/g)].map(([, path]) => path ?? ""),
);

function entriesOf({ exports, bin }: Pick<z.infer<typeof Manifest>, "exports" | "bin">): string[] {
  const built = [
    ...Object.values(exports).map((target) => (typeof target === "string" ? target : target.default)),
    ...Object.values(bin),
  ];
  return built
    .filter((path) => path.endsWith(".js"))
    .map((path) => path.replace(/^(\.\/)?dist\//, "src/").replace(/\.js$/, ".ts"));
}

const sample = (files: Readonly<Record<string, string>>): Source[] =>
  Object.entries(files).map(([path, text]) => parseSource(path, text));

/** For every rule: samples that it must catch, and one that it must let pass. */
const SAMPLES: Record<
  keyof typeof FILE_RULES,
  { bad: readonly [path: string, text: string][]; good: [path: string, text: string] }
> = {
  "a source file has at most 300 lines": {
    bad: [["src/domain/a.ts", "const a = 1;\n".repeat(301)]],
    good: ["src/domain/a.ts", "const a = 1;\n".repeat(300)],
  },
  "time, randomness, the process and timers are passed in": {
    bad: [
      ["src/domain/a.ts", "Date.now()"],
      ["src/domain/a.ts", "const read = Date.now"],
      ["src/domain/a.ts", "new Date()"],
      ["src/domain/a.ts", "performance.now()"],
      ["src/domain/a.ts", "Math.random()"],
      ["src/domain/a.ts", 'import { randomUUID } from "node:crypto"'],
      ["src/domain/a.ts", "crypto.randomUUID()"],
      ["src/runtime/a.ts", "process.env.HOME"],
      ["src/runtime/a.ts", "setTimeout(() => {}, 1)"],
      ["src/runtime/a.ts", "globalThis.setInterval(f, 1)"],
      ["src/runtime/a.ts", "setImmediate(f)"],
      ["src/adapters/embedded/a.ts", "setTimeout(f, 1)"],
      ["src/engines/a.ts", "AbortSignal.timeout(5)"],
    ],
    good: ["src/adapters/embedded/a.ts", "setImmediate(f); new Date(nowMs); const x = { process: 1 };"],
  },
  "there is no enum": { bad: [["test/a.ts", "enum A { B }"]], good: ["test/a.ts", 'const A = "enum"'] },
  "nothing has the type any": {
    bad: [
      ["src/domain/a.ts", "let a: any"],
      ["test/a.ts", "f(a as any)"],
      ["test/a.ts", "function f(a: any) {}"],
    ],
    good: ["src/domain/a.ts", "let any: unknown; type A = Contract<any>"],
  },
  "no module is mocked": { bad: [["test/a.ts", 'vi.mock("./b.ts")']], good: ["test/a.ts", "vi.fn()"] },
  "no test is singled out": {
    bad: [
      ["test/a.ts", 'test.only("a", f)'],
      ["test/a.ts", 'describe.sequential.only("a", f)'],
      ["test/a.ts", 'it.only.each([])("a", f)'],
    ],
    good: ["test/a.ts", 'test("only", f)'],
  },
  "no work is left behind in a comment": {
    bad: [
      ["src/domain/a.ts", `// ${"TO"}DO later`],
      ["test/a.ts", `/* ${"FIX"}ME */`],
    ],
    good: ["src/domain/a.ts", "// todos are items"],
  },
  "exports are named": {
    bad: [
      ["src/domain/a.ts", "export default 1"],
      ["src/domain/a.ts", "const a = 1; export { a as default }"],
    ],
    good: ["examples/rookery.config.ts", "export default 1"],
  },
  "only an entry re-exports a whole module": {
    bad: [["src/domain/a.ts", 'export * from "./b.ts"']],
    good: ["src/index.ts", 'export * from "./b.ts"'],
  },
  "files are named in kebab-case": {
    bad: [
      ["src/domain/workItem.ts", ""],
      ["src/domain/work_item.ts", ""],
      ["test/Work.test.ts", ""],
    ],
    good: ["test/domain/work-item.test.ts", ""],
  },
  "names avoid the words that say nothing": {
    bad: [
      ["src/domain/lease-manager.ts", ""],
      ["src/domain/a.ts", "class LeaseService {}"],
      ["src/domain/a.ts", "const a = { stepHelper: 1 }"],
      ["src/domain/a.ts", "type A = { runId: string }"],
      ["src/domain/a.ts", "function f(taskIDs: string[]) {}"],
      ["src/domain/a.ts", "const isDone = true"],
      ["src/domain/a.ts", "abstract class BaseStore {}"],
    ],
    good: ["src/domain/a.ts", "const workId = other.service; base64(baseUrl); run(step)"],
  },
  "a switch over a union ends in assertNever": {
    bad: [["src/domain/a.ts", 'switch (a.kind) { case "b": break; default: break }']],
    good: ["src/domain/a.ts", 'switch (a.kind) { case "b": break; default: assertNever(a) }'],
  },
};

describe("every file of ours", () => {
  for (const [name, rule] of Object.entries(FILE_RULES)) {
    test(name, () => expect(ours.flatMap((source) => rule(source))).toEqual([]));
  }
});

describe("every rule for a file", () => {
  for (const [name, { bad, good }] of Object.entries(SAMPLES)) {
    const rule = FILE_RULES[name as keyof typeof FILE_RULES];
    test.each(bad)(`"${name}" catches %s: %s`, (path, text) => expect(rule(parseSource(path, text))).not.toEqual([]));
    test(`"${name}" lets the rest pass`, () => expect(rule(parseSource(...good))).toEqual([]));
  }
  test.each(["jobs", "runIdle", "database", "basis", "serviced"])("the name %s is fine", (name) =>
    expect(nameProblem(name)).toBeNull(),
  );
});

describe("the import graph of src", () => {
  test("each layer imports what it may", () => expect(layering(sources)).toEqual([]));
  test("there is no cycle", () => expect(cycles(sources)).toEqual([]));
  test("every file is reached from an entry", () => expect(unreachable(sources, entries)).toEqual([]));
  test("the main entry loads in a browser", () => expect(browserLoadable(sources, "src/index.ts")).toEqual([]));
});

describe("every rule for the graph", () => {
  const others = {
    "src/domain/b.ts": "",
    "src/ports/b.ts": "",
    "src/wire/b.ts": "",
    "src/runtime/b.ts": "",
    "src/cli/b.ts": "",
    "src/index.ts": "",
    "src/adapters/memory/b.ts": "",
    "src/adapters/embedded/b.ts": "",
  };
  const forbidden: readonly [path: string, text: string][] = [
    ["src/domain/a.ts", 'import type { B } from "../ports/b.ts"'],
    ["src/domain/a.ts", 'import { z } from "zod"'],
    ["src/domain/a.ts", 'export { b } from "../runtime/b.ts"'],
    ["src/domain/a.ts", 'type B = import("../wire/b.ts").B'],
    ["src/domain/a.ts", 'import "./missing.ts"'],
    ["src/domain/a.ts", 'import { b } from "./b.js"'],
    ["src/ports/a.ts", 'import { b } from "../domain/b.ts"'],
    ["src/wire/a.ts", 'import { b } from "../ports/b.ts"'],
    ["src/wire/a.ts", 'import fs from "node:fs"'],
    ["src/runtime/a.ts", 'import { b } from "../adapters/memory/b.ts"'],
    ["src/runtime/a.ts", 'import { readFile } from "node:fs"'],
    ["src/adapters/memory/a.ts", 'import { readFile } from "node:fs"'],
    ["src/adapters/memory/a.ts", 'import { b } from "../../runtime/b.ts"'],
    ["src/adapters/embedded/a.ts", 'import { b } from "../memory/b.ts"'],
    ["src/engines/a.ts", 'import { b } from "../domain/b.ts"'],
    ["src/testing/a.ts", 'import { b } from "../adapters/embedded/b.ts"'],
    ["src/index.ts", 'const b = await import("./cli/b.ts")'],
    ["src/embedded.ts", 'new URL("./cli/b.ts", import.meta.url)'],
    ["src/elsewhere/a.ts", 'import { b } from "../domain/b.ts"'],
    ["src/adapters/unheard-of/a.ts", 'import { b } from "../../domain/b.ts"'],
  ];
  test.each(forbidden)("the import rule catches %s: %s", (path, text) => {
    expect(layering(sample({ ...others, [path]: text })).map((problem) => problem.split(":")[0])).toEqual([path]);
  });
  test.each([
    ["src/domain/a.ts", 'import type { S } from "@standard-schema/spec"; import { b } from "./b.ts"'],
    ["src/ports/a.ts", 'import type { B } from "../domain/b.ts"'],
    ["src/wire/a.ts", 'import type { B } from "../ports/b.ts"; import zlib from "node:zlib"; import { z } from "zod"'],
    ["src/runtime/a.ts", 'import { b } from "../wire/b.ts"'],
    ["src/adapters/embedded/a.ts", 'import { DatabaseSync } from "node:sqlite"; import { b } from "../../ports/b.ts"'],
    ["src/engines/a.ts", 'import { b } from "../index.ts"; import { z } from "zod"'],
    ["src/testing/a.ts", 'import { b } from "../adapters/memory/b.ts"'],
    ["src/cli/a.ts", 'import { b } from "../adapters/embedded/b.ts"'],
  ])("the import rule lets pass %s: %s", (path, text) => {
    expect(layering(sample({ ...others, [path]: text }))).toEqual([]);
  });
  test("the import rule speaks of each layer once", () => {
    expect(new Set(LAYERS.map(({ at }) => at)).size).toBe(LAYERS.length);
  });
  test("a cycle is found, of types too", () => {
    const a = 'import { b } from "./b.ts"';
    const b = 'import type { C } from "../ports/c.ts"';
    const c = 'import type { A } from "../domain/a.ts"';
    expect(cycles(sample({ "src/domain/a.ts": a, "src/domain/b.ts": b, "src/ports/c.ts": c }))).toHaveLength(1);
    expect(cycles(sample({ "src/domain/a.ts": a, "src/domain/b.ts": b, "src/ports/c.ts": "" }))).toEqual([]);
  });
  test("a dead file and a missing entry are found", () => {
    const files = sample({ "src/index.ts": 'export * from "./a.ts"', "src/a.ts": "", "src/dead.ts": 'import "./a.ts"' });
    expect(unreachable(files, ["src/index.ts", "src/embedded.ts"])).toEqual([
      "src/embedded.ts is an entry and does not exist",
      "src/dead.ts is reached from no entry",
    ]);
    expect(unreachable(files, ["src/index.ts", "src/dead.ts"])).toEqual([]);
  });
  test.each([
    'import zlib from "node:zlib"',
    'import { type A } from "node:fs"',
    "Buffer.from(a)",
    'import commander from "commander"',
  ])("what a browser cannot load is found: %s", (text) => {
    const index = { "src/index.ts": 'export { a } from "./a.ts"', "src/a.ts": text };
    expect(browserLoadable(sample(index), "src/index.ts")).toHaveLength(1);
    expect(browserLoadable(sample({ ...index, "src/index.ts": 'export type { A } from "./a.ts"' }), "src/index.ts")).toEqual([]);
  });
  test("the entries are those of the package", () => {
    expect(
      entriesOf({
        exports: { ".": { default: "./dist/index.js" }, "./package.json": "./package.json" },
        bin: { a: "dist/cli/main.js" },
      }),
    ).toEqual(["src/index.ts", "src/cli/main.ts"]);
    expect(entries).toContain("src/index.ts");
  });
});

describe("every tracked file", () => {
  const hosts = registryHosts(process.env);
  test("names no machine and no registry", () => {
    expect(tracked.flatMap((path) => machineText(path, read(path), hosts))).toEqual([]);
  });
  test("runs, when it is a test", () => {
    expect(tracked.filter((path) => /\.(test|spec)\.\w+$/.test(path) && !/^(test|examples)\/.*\.test\.ts$/.test(path))).toEqual(
      [],
    );
  });
  test("exists, when an npm script runs it", () => {
    expect(scriptFiles.length).toBeGreaterThan(3);
    expect(scriptFiles.filter((path) => !tracked.includes(path))).toEqual([]);
  });
  test("is looked at", () => {
    for (const path of ["package.json", "package-lock.json", "test/tidy/tidy.test.ts"]) expect(tracked).toContain(path);
    expect(ours.length).toBeGreaterThan(10);
  });
});

describe("the rule for the text of files", () => {
  const at = (...parts: string[]) => ["", ...parts].join("/");
  const dotted = (...parts: string[]) => parts.join(".");
  test.each([
    ["a.md", `see ${at("work", "main")}`],
    ["a.ts", `"${at("root", ".cache")}"`],
    ["a.ts", `file://${at("Users", "me", "x")}`],
    ["a.md", dotted("registry", "example", "org")],
    ["a.md", dotted("npm", "example", "org")],
    ["a.md", dotted("packages", "example", "net")],
    ["package-lock.json", '{"resolved": "x"}'],
  ])("catches %s: %s", (path, text) => {
    expect(machineText(path, text, [dotted("packages", "example", "net")])).toHaveLength(1);
  });
  test("lets relative paths pass", () => {
    expect(machineText("a.ts", `import "..${at("work", "claim.ts")}"; "registry"`, [])).toEqual([]);
  });
  test("knows the registries of the environment, loopback aside", () => {
    const url = `https://${dotted("packages", "example", "net")}/npm/`;
    expect(registryHosts({ npm_config_registry: url, GOPROXY: "off" })).toEqual([dotted("packages", "example", "net")]);
    expect(registryHosts({ npm_config_registry: "http://127.0.0.1:4873/" })).toEqual([]);
  });
});
