/** What `npm run localstack` says before it starts anything; what it starts is in test/aws/localstack.test.ts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { localstack } from "../support/localstack.ts";

const home = mkdtempSync(join(tmpdir(), "rookery-local-"));
afterAll(() => rmSync(home, { recursive: true }));
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  localstack(args, { ROOKERY_LOCAL_HOME: home, ...env });

test.each([
  [["begin"], "expected one of start, status, logs, stop, got begin"],
  [["stop", "start"], "expected one command, got stop start"],
  [["--prot", "1"], "Unknown option '--prot'"],
  [["--port", "high"], "expected a port from 1 to 65535, got high"],
  [["--port", "65536"], "expected a port from 1 to 65535, got 65536"],
  [["stop", "--port", "1"], "--port is an option of start alone"],
])("%j is refused with the usage", async (args, message) => {
  const { code, stdout, stderr } = await run(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
  expect(stderr).toContain("usage: npm run localstack");
});

test("nothing runs at first", async () => {
  expect(await run(["status"])).toEqual({ code: 3, stdout: "", stderr: "the emulator does not run\n" });
  expect(await run(["logs"])).toEqual({ code: 3, stdout: "", stderr: "the emulator does not run\n" });
  expect(await run(["stop"])).toEqual({ code: 0, stdout: "", stderr: "the emulator does not run\n" });
});

test("without Python it says what to install", async () => {
  const { code, stderr } = await run([], { PATH: home });
  expect(code).toBe(1);
  expect(stderr).toContain("the emulator needs Python 3.10 or newer with its venv module");
});

test("an AWS_ENDPOINT_URL where nobody answers is named", async () => {
  const { code, stderr } = await run([], { AWS_ENDPOINT_URL: "http://127.0.0.1:9" });
  expect(code).toBe(1);
  expect(stderr).toContain("nothing answers at AWS_ENDPOINT_URL (http://127.0.0.1:9)");
});
