/** `npm run localstack`, with an emulator of its own beside that of the suites. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";
import { localstack } from "../support/localstack.ts";
import { endpoint } from "./clients.ts";

const APP = join(import.meta.dirname, "fixtures/queue-app.ts");
const home = mkdtempSync(join(tmpdir(), "rookery-local-"));
const record = join(home, "emulator.json");
const run = (...args: string[]) => localstack(args, { ROOKERY_LOCAL_HOME: home });
const deployTiny = (env: Record<string, string> = {}) =>
  localstack(["--app", APP, "--stack", "Tiny"], { ROOKERY_LOCAL_HOME: home, ...env });

afterAll(async () => {
  await run("stop");
  rmSync(home, { recursive: true });
});

describe.skipIf(endpoint === null)("npm run localstack", () => {
  let exported: Record<string, string> = {};
  const queuesNow = async () => {
    const place = { endpoint: exported["AWS_ENDPOINT_URL"] ?? "", region: REGION, credentials: CREDENTIALS };
    return (await new SQSClient(place).send(new ListQueuesCommand({}))).QueueUrls ?? [];
  };

  test("starts an emulator that outlives it, deploys, and prints what to export", async () => {
    const { code, stdout, stderr } = await deployTiny();
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/the emulator runs at .*deployed in \d+ s/s) });
    exported = Object.fromEntries([...stdout.matchAll(/^export (\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]));
    expect(exported).toEqual({
      AWS_ENDPOINT_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      ROOKERY_STACK: "Tiny",
    });
    expect(await queuesNow()).toEqual([expect.stringContaining("/Tiny-Queue")]);
  });

  test("says where it runs, and what it printed", async () => {
    const { code, stdout } = await run("status");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining(`runs at ${exported["AWS_ENDPOINT_URL"]} (pid `),
    });
    expect(await run("logs")).toMatchObject({ code: 0, stdout: expect.stringContaining("services available on port") });
  });

  test("deploys to the same one when it is run again", async () => {
    const { code, stdout } = await deployTiny(exported);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`=${exported["AWS_ENDPOINT_URL"]}\n`) });
    expect(await queuesNow()).toHaveLength(1);
  });

  test("ends what it started, with its files", async () => {
    const { scratch } = JSON.parse(readFileSync(record, "utf8"));
    expect(existsSync(scratch)).toBe(true);
    expect(await run("stop")).toMatchObject({ code: 0, stderr: "the emulator is stopped, and its data is gone\n" });
    expect(existsSync(scratch)).toBe(false);
    await expect(fetch(exported["AWS_ENDPOINT_URL"] ?? "")).rejects.toThrow();
    expect(await run("status")).toMatchObject({ code: 3, stderr: expect.stringContaining("the log of the last one is") });
  });

  test("leaves a process alone that has the pid of an emulator of before", async () => {
    const other = spawn("sleep", ["60"], { detached: true });
    onTestFinished(() => void other.kill());
    await once(other, "spawn");
    const left = { pid: other.pid, began: "long ago", port: 9, endpoint: "http://127.0.0.1:9", scratch: join(home, "none") };
    writeFileSync(record, JSON.stringify(left));
    expect(await run("stop")).toMatchObject({ code: 0, stderr: expect.stringContaining("does not run") });
    expect(existsSync(record)).toBe(false);
    expect(other.exitCode ?? other.signalCode).toBeNull();
  });
});
