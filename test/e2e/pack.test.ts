/** The package as a stranger meets it: packed, installed into an empty project, type-checked and run. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linkPackages, NODE_TYPES, pack, run, succeed, typeCheck } from "../support/packed.ts";

const scratch = mkdtempSync(join(tmpdir(), "rookery-pack-"));
const project = join(scratch, "project");
const installed = join(project, "node_modules/rookery");

const CONTRACT = `
import { defineContract } from "rookery";
import { z } from "zod";
export const Tally = defineContract({
  id: "tally",
  payload: z.object({ upTo: z.number().int().positive() }),
  result: z.object({ sum: z.number() }),
});
`;
const ENGINE = `
import { defineEngine } from "rookery";
import { z } from "zod";
import { Tally } from "./contract.ts";
export const tally = defineEngine(Tally, {
  version: 1,
  state: z.object({ next: z.number(), sum: z.number() }),
  init: (payload) => ({ next: 1, sum: payload.upTo * 0 }),
  async step(state, ctx) {
    if (state.next > ctx.payload.upTo) return ctx.complete({ sum: state.sum });
    return ctx.next({ next: state.next + 1, sum: state.sum + state.next }, { at: \`add \${state.next}\` });
  },
});
`;
const CONFIG = `
import { defineConfig } from "rookery";
import { tally } from "./engine.ts";
export default defineConfig({ engines: [tally] });
`;
/** For Node's own test runner. */
const OWN_TEST = `
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestRig, runStep } from "rookery/testing";
import { Tally } from "./contract.ts";
import { tally } from "./engine.ts";
test("a step adds", async () => {
  const run = await runStep(tally, { payload: { upTo: 3 }, state: { next: 2, sum: 1 } });
  assert.equal(run.kind, "next");
});
test("the whole adds up, with a crash on the way", async () => {
  await using rig = createTestRig({ engines: [tally] });
  rig.crashNext("before-commit");
  const { workId } = await rig.enqueue(Tally, { upTo: 4 });
  const end = await rig.result(Tally, workId, { timeoutMs: 60_000 });
  assert.deepEqual(end, { status: "completed", result: { sum: 10 } });
  assert.equal(rig.crashed.length, 1);
});
`;
/** Each line under a directive must not compile: the types that reach a user are those that we wrote. */
const MISUSE = `
import { defineEngine } from "rookery";
import { z } from "zod";
import { Tally } from "./contract.ts";
export const wrong = defineEngine(Tally, {
  version: 1,
  state: z.object({ next: z.number() }),
  // @ts-expect-error
  init: { next: "one" },
  async step(state, ctx) {
    // @ts-expect-error
    if (state.next > 1) return ctx.complete({ total: 1 });
    // @ts-expect-error
    return ctx.next({ next: ctx.payload.missing });
  },
});
`;

/** For a CDK app of one's own. */
const STACK = `
import { App, Stack } from "aws-cdk-lib";
import { Rookery } from "rookery/cdk";
const stack = new Stack(new App(), "nest");
new Rookery(stack, "Rookery", { workerEntry: "worker.ts", lanes: 3 });
`;
const WORKER = `
import { createWorkerHandler } from "rookery/lambda";
import { tally } from "./engine.ts";
import { eol } from "./old.cts";
export const handler = createWorkerHandler({ engines: [tally] });
export const lines = eol;
`;
/** A package of the old module format asks for what Node has built in at run time. */
const OLD = `
import os = require("node:os");
export const eol = os.EOL;
`;

const FILES = {
  contract: CONTRACT,
  engine: ENGINE,
  "rookery.config": CONFIG,
  misuse: MISUSE,
  "own.test": OWN_TEST,
  stack: STACK,
  worker: WORKER,
};

/** Of those that callers may have and workers may not, the first on the path. */
function findOlderNode(): { readonly path: string; readonly version: string } | null {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, "node");
    const version = spawnSync(path, ["--version"], { encoding: "utf8" }).stdout?.trim() ?? "";
    if (/^v2[0-3]\./.test(version)) return { path, version };
  }
  return null;
}
const OLDER = findOlderNode();

/** What is optional, as if the project had installed it. */
function linkPeers(): void {
  const { peerDependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { peerDependencies: object };
  linkPackages(project, Object.keys(peerDependencies));
}

const BROWSER_TYPES = { types: [], lib: ["ES2024", "ESNext.Disposable", "DOM", "DOM.Iterable", "DOM.AsyncIterable"] };

describe("the packed package", () => {
  beforeAll(() => {
    const tarball = pack(scratch);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
    succeed("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", tarball], project);
    for (const [name, text] of Object.entries(FILES)) {
      writeFileSync(join(project, `${name}.ts`), text);
    }
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test("holds what was built and nothing else", () => {
    const files = readdirSync(installed);
    expect(files.filter((file) => !/^(dist|package\.json|LICENSE|README\.md)$/.test(file))).toEqual([]);
    expect(readFileSync(join(installed, "dist/cli/main.js"), "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    const built = readdirSync(join(installed, "dist"), { recursive: true, encoding: "utf8" });
    expect(built.filter((file) => /\.\w+$/.test(file) && !/\.(js|d\.ts)$/.test(file))).toEqual([]);
  });

  test("type-checks in a strict project, its own declarations included", () => {
    const { status, all } = typeCheck(project, ["rookery.config.ts", "misuse.ts", "own.test.ts"], NODE_TYPES);
    expect(status, all).toBe(0);
  });

  test("its main entry type-checks without Node's types", () => {
    const { status, all } = typeCheck(project, ["contract.ts", "engine.ts"], BROWSER_TYPES);
    expect(status, all).toBe(0);
  });

  test("loads by every entry that it exports, with the packages that are optional", () => {
    linkPeers();
    const { exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { exports: object };
    const entries = Object.keys(exports).filter((entry) => !entry.endsWith(".json"));
    const code = entries.map((entry) => `await import("rookery${entry.slice(1)}");`).join("");
    succeed(process.execPath, ["--input-type=module", "-e", code], project);
  });

  test.skipIf(OLDER === null)(`lets callers in by ${OLDER?.version ?? "an older Node"}, and no worker`, () => {
    linkPeers();
    const code = `
      const { createAwsClient } = await import("rookery/aws");
      const { defineContract } = await import("rookery");
      console.log(typeof createAwsClient, typeof defineContract);
    `;
    const older = OLDER?.path ?? "";
    expect(succeed(older, ["--input-type=module", "-e", code], project)).toBe("function function\n");
    const { status, all } = run(older, [join(installed, "dist/cli/main.js"), "list", "--stack", "Any"], project);
    expect(status).toBe(1);
    expect(all).toContain("this needs Node 24 or later");
  });

  test("deploys: a CDK app type-checks, and synthesizes functions that hold all they need", () => {
    linkPeers();
    writeFileSync(join(project, "old.cts"), OLD);
    const checked = typeCheck(project, ["stack.ts", "worker.ts"], { ...NODE_TYPES, skipLibCheck: true });
    expect(checked.status, checked.all).toBe(0);
    succeed(process.execPath, ["stack.ts"], project, { ...process.env, CDK_OUTDIR: "assembly", CDK_VALIDATION: "false" });
    const assembly = join(project, "assembly");
    const bundles = readdirSync(assembly).filter((name) => name.startsWith("asset."));
    const codes = bundles.map((name) => readFileSync(join(assembly, name, "index.mjs"), "utf8"));
    expect(codes).toHaveLength(3);
    expect(codes.filter((code) => code.includes('"tally"'))).toHaveLength(1);
    const worker = bundles.find((_, i) => codes[i]?.includes('"tally"'));
    const load = `console.log(typeof (await import("./assembly/${worker}/index.mjs")).lines)`;
    const deployment = { v: 1, table: "t", bucket: "b", queues: { normal: "http://q" }, deadLetters: "http://d", fair: false };
    const ROOKERY_DEPLOYMENT = JSON.stringify({ ...deployment, namespace: "n" });
    const environment = { ...process.env, AWS_REGION: "us-east-1", ROOKERY_DEPLOYMENT };
    expect(succeed(process.execPath, ["--input-type=module", "-e", load], project, environment)).toBe("string\n");
    for (const code of codes) expect(code).not.toMatch(/^import[^\n]*["'](rookery|@aws-|hono|zod)/m);
    expect(readFileSync(join(assembly, "nest.template.json"), "utf8")).toContain('"/rookery/nest/deployment"');
  });

  test("runs the project's own engine to its end", () => {
    const stdout = succeed("npx", ["--no-install", "rookery", "run", "tally", '{"upTo":4}'], project);
    expect(stdout).toMatch(/"sum": 10/);
  });

  test("tests the project's own engine", () => {
    expect(succeed(process.execPath, ["--test", "own.test.ts"], project)).toMatch(/pass 2\n/);
  });

  test("refuses a payload that does not fit, by its exit code", () => {
    const { status, all } = run("npx", ["--no-install", "rookery", "run", "tally", '{"upTo":"four"}'], project);
    expect([1, 2, 4], all).toContain(status);
    expect(all).toContain("upTo");
  });
});
