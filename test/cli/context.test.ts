/** Where a command works and with which engines: flag > environment > config > default, and plain words when it cannot. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { type GlobalFlags, resolveContext } from "../../src/cli/context.ts";
import { call, ROOT, scratch, TROUBLE } from "./support.ts";

const base = scratch();
let folder = "";
let count = 0;
beforeEach(() => {
  folder = join(base.path, String(count++));
  mkdirSync(join(folder, "deep/er"), { recursive: true });
});
afterAll(() => base.remove());

const INDEX = JSON.stringify(pathToFileURL(join(ROOT, "src/index.ts")).href);
const TROUBLE_URL = JSON.stringify(pathToFileURL(TROUBLE).href);
const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const config = (fields: string, name = "rookery.config.ts"): string =>
  write(
    name,
    `import { defineConfig } from ${INDEX};\nimport { trouble } from ${TROUBLE_URL};\nexport default defineConfig({ ${fields} });\n`,
  );
/** An engine that needs no schema library to be there. */
const engine = (id: string): string => {
  const schema = '{ "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } }';
  const contract = `defineContract({ id: ${JSON.stringify(id)}, payload: ${schema}, result: ${schema} })`;
  return `defineEngine(${contract}, { version: 1, state: ${schema}, init: {}, step: async (state, ctx) => ctx.next(state) })`;
};
const module = (name: string, exported: string): string =>
  write(name, `import { defineContract, defineEngine } from ${INDEX};\n${exported}\n`);

describe("home and namespace", () => {
  const resolved = async (flags: GlobalFlags, env: Record<string, string> = {}, cwd = join(folder, "deep/er")) => {
    const { where, configPath } = await resolveContext(flags, { env, cwd });
    if (where.kind === "stack") throw new Error(`expected a home, got stack ${where.stack.value}`);
    const { home, namespace } = where;
    return { home: home.value, namespace: namespace.value, from: [home.from, namespace.from], configPath };
  };
  test("come from the flag, then the environment, then the config, then nowhere", async () => {
    const path = config('engines: [], namespace: "configured", home: "state"');
    const env = { ROOKERY_HOME: "env-home", ROOKERY_NAMESPACE: "from-env" };
    const here = join(folder, "deep/er");
    expect(await resolved({ home: "x", namespace: "flagged" }, env)).toMatchObject({
      home: join(here, "x"),
      namespace: "flagged",
      from: ["flag", "flag"],
    });
    expect(await resolved({}, env)).toMatchObject({
      home: join(here, "env-home"),
      namespace: "from-env",
      from: ["environment", "environment"],
    });
    expect(await resolved({})).toEqual({
      home: join(folder, "state"),
      namespace: "configured",
      from: ["config", "config"],
      configPath: path,
    });
    expect(await resolved({}, { ROOKERY_HOME: "" })).toMatchObject({ from: ["config", "config"] });
    rmSync(path);
    expect(await resolved({})).toEqual({
      home: join(here, ".rookery"),
      namespace: "default",
      from: ["default", "default"],
      configPath: null,
    });
  });
  test("without a home in the config, the home lies beside it", async () => {
    config("engines: []", "rookery.config.mts");
    expect((await resolved({})).home).toBe(join(folder, ".rookery"));
  });
  test("the nearest config counts", async () => {
    config('engines: [], namespace: "far"');
    const near = config('engines: [], namespace: "near"', "deep/rookery.config.mjs");
    expect(await resolved({})).toMatchObject({ namespace: "near", configPath: near });
  });
  test("a broken config does not matter when nothing is wanted of it", async () => {
    write("rookery.config.ts", "syntax error here");
    expect(await resolved({ home: "h", namespace: "n" })).toMatchObject({ namespace: "n" });
    await expect(resolved({ home: "h" })).rejects.toThrow(/cannot load/);
  });
});

describe("engines", () => {
  const ids = async (argv: readonly string[] = [], env: Record<string, string> = {}): Promise<string[]> => {
    const { code, stdout, stderr } = await call(["engines", "--json", ...argv], { cwd: folder, env });
    expect(code, stderr).toBe(0);
    const listed: readonly { id: string }[] = JSON.parse(stdout);
    return listed.map(({ id }) => id);
  };
  const BUILT_IN = ["watchlist", "counter"];
  test("of the config are there beside the built-in ones, and --engines replaces them", async () => {
    config("engines: [trouble]");
    const other = module("other.ts", `export const other = ${engine("other")};`);
    expect(await ids()).toEqual([...BUILT_IN, "trouble"]);
    expect(await ids(["--engines", "./other.ts"])).toEqual([...BUILT_IN, "other"]);
    expect(await ids([], { ROOKERY_ENGINES: "other.ts" })).toEqual([...BUILT_IN, "other"]);
    expect(await ids(["--engines", other, "--engines", TROUBLE])).toEqual([...BUILT_IN, "other", "trouble"]);
  });
  test.each([
    ["a list as the default", `export default [${engine("one")}, ${engine("two")}];`],
    [
      "a list named engines",
      `export const engines = [${engine("one")}, ${engine("two")}]; export const more = ${engine("three")};`,
    ],
    ["each one", `export const a = ${engine("one")}; export const text = "x"; export const b = ${engine("two")};`],
    ["a config", `export default { engines: [${engine("one")}, ${engine("two")}] };`],
  ])("of a module may be exported as %s", async (_name, exported) => {
    module("mine.mjs", exported);
    expect(await ids(["--engines", "./mine.mjs"])).toEqual([...BUILT_IN, "one", "two"]);
  });
  test("of one id name both places", async () => {
    module("a.ts", `export const a = ${engine("same")};`);
    module("b.ts", `export const b = ${engine("same")};`);
    module("c.ts", `export const c = ${engine("counter")};`);
    const twice = await call(["engines", "--engines", "./a.ts", "--engines", "./b.ts"], { cwd: folder });
    expect(twice.code).toBe(1);
    expect(twice.stderr).toMatch(/engine "same" comes twice: .*a\.ts and .*b\.ts/);
    expect((await call(["engines", "--engines", "./c.ts"], { cwd: folder })).stderr).toMatch(
      /"counter" comes twice: the built-in one and .*c\.ts/,
    );
  });
  test.each([
    ["a module without any", ["./none.ts"], /exports no engine\n {2}hint: export what defineEngine returns/],
    [
      "a package that is missing",
      ["no-such-package"],
      /no package "no-such-package" to be found from .*\n {2}hint: .*--engines \.\//,
    ],
  ])("of %s are an error", async (_name, modules, says) => {
    module("none.ts", "export const x = 1;");
    const { code, stderr } = await call(["engines", ...modules.flatMap((one) => ["--engines", one])], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(says);
  });
});

test.each([
  ["a syntax error", "export default {\n  engines: [\n", /cannot load .*rookery\.config\.ts: .*[Ee]xpect/],
  [
    "a missing package",
    'import "no-such-package";\nexport default { engines: [] };',
    /cannot load .*no-such-package.*\n {2}hint: install/,
  ],
  ["a missing file", 'import "./gone.ts";\nexport default { engines: [] };', /cannot load .*gone\.ts/],
  ["a throw of what is no text", "throw Object.create(null);", /cannot load .*rookery\.config\.ts: an object/],
  [
    "a throw of what cannot be read",
    "throw new Proxy(new Error(), { get() { throw 1; } });",
    /cannot load .*rookery\.config\.ts: something that cannot be read/,
  ],
  ["a throw", 'throw new TypeError("no luck");', /cannot load .*rookery\.config\.ts: TypeError: no luck/],
  [
    "no default export",
    "export const config = {};",
    /expected a default export, got none\n {2}hint: write: export default defineConfig/,
  ],
  ["a default that is no object", "export default 5;", /expected a default export.*got number/],
  ["no list of engines", "export default {};", /config: engines: expected a list of engines, got undefined/],
  [
    "something else in the list",
    "export default { engines: [5] };",
    /config: engines: expected what defineEngine returns, got 5/,
  ],
  ["a bad namespace", 'export default { engines: [], namespace: "No Good" };', /namespace: expected .*got "No Good"/],
])("a config with %s is named, with what is wrong", async (_name, text, says) => {
  const path = write("rookery.config.ts", text);
  const { code, stdout, stderr } = await call(["list"], { cwd: join(folder, "deep") });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(says);
  expect(stderr).toContain(path);
  expect(stderr).toMatch(/^rookery: .*\n( {2}hint: .*\n)?$/);
});
