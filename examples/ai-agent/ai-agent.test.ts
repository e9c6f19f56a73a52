/** The example, in a folder of its own where `rookery` and `ai` are installed. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const project = mkdtempSync(join(tmpdir(), "rookery-ai-agent-"));
const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(ROOKERY|SHOP)_/.test(name)));
const started: ChildProcess[] = [];
const FILES = [
  import.meta.resolve("./caller.ts"),
  import.meta.resolve("./contract.ts"),
  import.meta.resolve("./engine.ts"),
  import.meta.resolve("./model.ts"),
  import.meta.resolve("./rookery.config.ts"),
  import.meta.resolve("./shop.ts"),
];

/** As `npm install` would, but with the sources of this repository. */
function install(): void {
  const installed = join(project, "node_modules/rookery");
  mkdirSync(installed, { recursive: true });
  for (const name of ["zod", "ai", "@ai-sdk/provider"]) {
    mkdirSync(dirname(join(project, "node_modules", name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
  }
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  const exports = { ".": "./index.js", "./ai": "./ai.js", "./embedded": "./embedded.js" };
  writeFileSync(join(installed, "package.json"), JSON.stringify({ type: "module", exports }));
  for (const entry of ["index", "ai", "embedded"]) {
    const source = pathToFileURL(join(root, `src/${entry}.ts`)).href;
    writeFileSync(join(installed, `${entry}.js`), `export * from ${JSON.stringify(source)};\n`);
  }
}
function run(...args: string[]): string {
  const options = { cwd: project, env: plain, encoding: "utf8", timeout: 60_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
  expect(status, `${args.join(" ")}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}
const main = join(root, "src/cli/main.ts");

beforeAll(() => {
  for (const file of FILES) cpSync(new URL(file), join(project, basename(file)));
  install();
});
afterAll(() => {
  for (const worker of started) worker.kill("SIGKILL");
  rmSync(project, { recursive: true, force: true });
});

test("the line of its README works as written", () => {
  const [, engine = "", payload = ""] = readme.match(/npx rookery run (\S+) '(.*)'/) ?? [];
  expect(JSON.parse(run(main, "run", engine, payload))).toMatchObject({
    text: "Order 17 is refunded.",
    finishReason: "stop",
    turns: 3,
  });
  expect(readFileSync(join(project, "refunds.jsonl"), "utf8").trim().split("\n")).toHaveLength(1);
});

test("a large refund is made once it is approved, and what the agent says is read along", async () => {
  const worker = spawn(process.execPath, [main, "worker", "--processes", "1"], { cwd: project, env: plain, stdio: "ignore" });
  started.push(worker);
  const said = run("caller.ts");
  expect(said).toContain('[approved: refund {"order":170,"cents":17000}]');
  expect(said).toContain("Order 170 is refunded.");
  const gone = new Promise((resolve) => worker.once("exit", resolve));
  worker.kill("SIGTERM");
  await gone;
});
