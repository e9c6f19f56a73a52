/** The app of this repository, as `cdk deploy` runs it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const out = mkdtempSync(join(tmpdir(), "rookery-app-"));
let said = "";

beforeAll(() => {
  const context = { removal: "destroy", emulator: "true" };
  const env = { ...process.env, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify(context), ROOKERY_STACK: "crows" };
  const { status, stderr } = spawnSync(process.execPath, ["infra/app.ts"], { cwd: root, env, encoding: "utf8" });
  said = stderr;
  expect(status, stderr).toBe(0);
});
afterAll(() => rmSync(out, { recursive: true, force: true }));

test("passes cdk-nag and the schemas of CloudFormation, without a warning", () => {
  expect(said).not.toMatch(/warning/i);
});

test("names its stack as it is told, and leaves out what emulators do not know", () => {
  const template = readFileSync(join(out, "crows.template.json"), "utf8");
  expect(template).toContain('"/rookery/crows/deployment"');
  expect(template).not.toContain("AutoDeleteObjects");
  expect(template).toContain('"DeletionPolicy": "Delete"');
});

test("bundles functions that load, with all that they need", () => {
  const bundles = readdirSync(out).filter((name) => name.startsWith("asset."));
  expect(bundles).toHaveLength(3);
  const deployment = { v: 1, table: "t", bucket: "b", queues: { normal: "http://q" }, deadLetters: "http://d", fair: false };
  const env = {
    PATH: process.env["PATH"],
    AWS_REGION: "us-east-1",
    ROOKERY_DEPLOYMENT: JSON.stringify({ ...deployment, namespace: "n" }),
  };
  for (const bundle of bundles) {
    const url = pathToFileURL(join(out, bundle, "index.mjs")).href;
    // What Lambda's runtime brings along.
    const code = `globalThis.awslambda = { streamifyResponse: (f) => f }; process.stdout.write(typeof (await import("${url}")).handler);`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      cwd: tmpdir(),
      env,
      encoding: "utf8",
    });
    expect(stdout, stderr).toBe("function");
  }
});
