/** The quick start of the README, in a folder of its own where `rookery` is installed. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const project = mkdtempSync(join(tmpdir(), "rookery-quickstart-"));
const FILES = [
  import.meta.resolve("./rookery.config.ts"),
  import.meta.resolve("./caller.ts"),
  import.meta.resolve("./engine.ts"),
];
const started: ChildProcess[] = [];

/** As `npm install` would, but with the sources of this repository. */
function install(): void {
  const installed = join(project, "node_modules/rookery");
  mkdirSync(installed, { recursive: true });
  symlinkSync(join(root, "node_modules/zod"), join(project, "node_modules/zod"));
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  writeFileSync(
    join(installed, "package.json"),
    '{ "type": "module", "exports": { ".": "./index.js", "./embedded": "./embedded.js" } }\n',
  );
  for (const entry of ["index", "embedded"]) {
    writeFileSync(
      join(installed, `${entry}.js`),
      `export * from ${JSON.stringify(pathToFileURL(join(root, `src/${entry}.ts`)).href)};\n`,
    );
  }
}

function rookery(...args: string[]): string {
  return node(join(root, "src/cli/main.ts"), ...args);
}
function node(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: project,
    env: plain,
    encoding: "utf8",
    timeout: 30_000,
  });
  expect(status, `${args.join(" ")}\n${stdout}${stderr}`).toBe(0);
  return stdout.trim();
}
const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ROOKERY_")));

beforeAll(() => {
  for (const file of FILES) cpSync(new URL(file), join(project, file.slice(file.lastIndexOf("/") + 1)));
  install();
});
afterAll(() => {
  for (const worker of started) worker.kill("SIGKILL");
  rmSync(project, { recursive: true, force: true });
});

test("the README shows these very files, and links to what is there", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const shown = [...readme.matchAll(/`([\w.]+\.ts)`\n\n```ts\n(.*?)```/gs)].map(([, name, text]) => ({ name, text }));
  expect(shown).toHaveLength(FILES.length);
  for (const { name, text } of shown) expect(text).toBe(readFileSync(join(import.meta.dirname, name ?? ""), "utf8"));
  const links = [...readme.matchAll(/\]\(([^#)]+)\)/g)].map(([, target]) => target ?? "");
  expect(links.filter((target) => !existsSync(join(root, target)))).toEqual([]);
});

test("the engine is known from the config", () => {
  expect(rookery("engines")).toMatch(/\bbriefing\b/);
});

test("an item that is enqueued is worked on by a worker, and looked at", async () => {
  const id = rookery("enqueue", "briefing", '{"topics": ["rooks", "crows"]}');
  expect(id).toMatch(/^\w{20}$/);
  expect(rookery("status", id)).toContain("queued");
  const worker = spawn(process.execPath, [join(root, "src/cli/main.ts"), "worker", "--processes", "1"], {
    cwd: project,
    env: plain,
    stdio: "ignore",
  });
  started.push(worker);
  await expect.poll(() => rookery("status", id), { timeout: 20_000, interval: 200 }).toContain("completed");
  expect(rookery("artifact", "show", id, "briefing.md")).toBe(
    "## rooks\n\nWhat there is to say about rooks.\n\n## crows\n\nWhat there is to say about crows.",
  );
  expect(rookery("log", id).split("\n")).toHaveLength(2);

  expect(node("caller.ts")).toMatch(/^2 sections, report [0-9a-f]{64}$/);
  const gone = new Promise((resolve) => worker.once("exit", resolve));
  worker.kill("SIGTERM");
  await gone;
});

test("run does it in one go", () => {
  expect(JSON.parse(rookery("run", "briefing", '{"topics": ["nests"]}'))).toMatchObject({ sections: 1 });
});

test("a payload that does not fit is refused at the door", () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(root, "src/cli/main.ts"), "enqueue", "briefing", '{"topics": []}'],
    {
      cwd: project,
      env: plain,
      encoding: "utf8",
    },
  );
  expect(status).toBe(2);
  expect(stderr).toContain("$.topics");
});
