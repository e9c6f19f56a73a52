/** Of a Python that is none: it makes the folders that Python would, and installs nothing. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { installEmulator } from "../../localstack/install.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "rookery-install-"));
});
afterEach(() => rmSync(home, { recursive: true }));

const installed = () => readdirSync(home).filter((name) => name !== "fake-python");

/** `-m venv F` copies it into F; `-m pip` does what is given; `-I -c import …` works once pip has. */
function fakePython(pip = 'touch "$(dirname "$0")/ministack"'): string {
  const file = join(home, "fake-python");
  const script = `#!/bin/sh
case "$*" in
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip "*) ${pip} ;;
  "-I -c "*) test -e "$(dirname "$0")/ministack" ;;
esac
`;
  writeFileSync(file, script);
  chmodSync(file, 0o755);
  return file;
}

test("the emulator is installed once", async () => {
  const said: string[] = [];
  const python = await installEmulator(fakePython(), (text) => said.push(text), home);
  expect(existsSync(python)).toBe(true);
  expect(await installEmulator(fakePython("exit 1"), (text) => said.push(text), home)).toBe(python);
  expect(said).toEqual([expect.stringMatching(/^installing ministack/)]);
});

test("two that install at once do not meet", async () => {
  const python = fakePython('sleep 0.2; touch "$(dirname "$0")/ministack"');
  const [one, other] = await Promise.all([1, 2].map(() => installEmulator(python, undefined, home)));
  expect(one).toBe(other);
  expect(installed()).toEqual([expect.stringMatching(/^ministack-/)]);
});

test("half an install and one that no longer runs are replaced", async () => {
  const python = await installEmulator(fakePython(), undefined, home);
  rmSync(join(python, "../ministack"));
  expect(await installEmulator(fakePython(), undefined, home)).toBe(python);
  expect(existsSync(join(python, "../ministack"))).toBe(true);
  expect(installed()).toHaveLength(1);
});

test("what an interrupted install has left goes, and what a living one makes stays", async () => {
  const none = 2 ** 22 + 1;
  const living = process.ppid;
  for (const pid of [none, living]) mkdirSync(join(home, `making-${pid}-abc`));
  await installEmulator(fakePython(), undefined, home);
  expect(installed().sort()).toEqual([`making-${living}-abc`, expect.stringMatching(/^ministack-/)]);
});

test("what pip says is told, and nothing is left", async () => {
  const python = fakePython('echo "no matching distribution" >&2; exit 1');
  await expect(installEmulator(python, undefined, home)).rejects.toThrow(
    /could not be installed from PyPI \(is there a network\?\)\nno matching distribution/,
  );
  expect(installed()).toEqual([]);
});
