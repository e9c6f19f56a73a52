/** How the emulator begins and ends, seen at emulators of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { answers, startEmulator } from "../../localstack/emulator.ts";
import { findPython, installEmulator } from "../../localstack/install.ts";
import { endpoint } from "./clients.ts";
import { eventually } from "./look.ts";

const python = async () => installEmulator((await findPython()) ?? "python3");

describe.skipIf(endpoint === null)("the emulator", () => {
  test("ends with who started it, however that ended, and takes its files with it", async () => {
    const starter = spawn(process.execPath, [join(import.meta.dirname, "children/start-emulator.ts")]);
    onTestFinished(() => void starter.kill("SIGKILL"));
    const [line] = await once(starter.stdout, "data");
    const started = JSON.parse(String(line));
    expect(await answers(started.endpoint)).toBe(true);
    starter.kill("SIGKILL");
    await eventually(async () => expect(await answers(started.endpoint)).toBe(false));
    expect(existsSync(started.scratch)).toBe(false);
  });

  test("that ends by itself is told of, with what it printed last", async () => {
    const crash = Promise.withResolvers<string>();
    const emulator = await startEmulator(await python(), { onCrash: crash.resolve });
    process.kill(emulator.pid, "SIGKILL");
    expect(await crash.promise).toMatch(
      /^the emulator ended by itself \(SIGKILL\); it printed last:\n.*services available on port/s,
    );
    await emulator.stop();
    expect(existsSync(emulator.scratch)).toBe(false);
  });

  test("that is stopped is no crash", async () => {
    const reports: string[] = [];
    const emulator = await startEmulator(await python(), { onCrash: (report) => reports.push(report) });
    await emulator.stop();
    expect(await answers(emulator.endpoint)).toBe(false);
    expect(reports).toEqual([]);
  });

  test("does not start on a port that is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(startEmulator("python3", { port })).rejects.toThrow(`port ${port} of 127.0.0.1 cannot be had`);
  });

  test("that cannot begin says why", async () => {
    await expect(startEmulator(process.execPath)).rejects.toThrow(
      /ended by itself \(code \d+\); it printed last:\n.*bad option: -I/s,
    );
    await expect(startEmulator(join(import.meta.dirname, "no-python"))).rejects.toThrow(/could not be started with .*no-python/);
  });
});
