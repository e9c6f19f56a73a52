/**
 * Builds `dist`. Plain JavaScript, because `npm install` may run it under a Node that does not strip types.
 *
 * `--on-install` (npm's `prepare`) makes `npx rookery` work in a clone and in a git dependency. An install does not judge
 * the code: without the compiler (production installs) it does nothing, and a type error is reported but fails nothing.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const onInstall = process.argv.includes("--on-install");

/** @returns {string | null} */
function findCompiler() {
  try {
    const manifest = createRequire(import.meta.url).resolve("typescript/package.json");
    return join(dirname(manifest), JSON.parse(readFileSync(manifest, "utf8")).bin.tsc);
  } catch {
    return null;
  }
}

/** @param {string} compiler @param {string} out @returns {boolean} */
function emit(compiler, out) {
  const args = [compiler, "-p", join(root, "tsconfig.build.json"), "--outDir", out];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  const cli = join(out, "cli", "main.js");
  if (existsSync(cli)) chmodSync(cli, 0o755);
  return status === 0;
}

/** Emits beside `dist` and swaps, so that no file of an earlier build stays and a reader never meets half a build. */
function build() {
  const compiler = findCompiler();
  if (compiler === null) return onInstall;
  const scratch = mkdtempSync(join(root, ".build-"));
  try {
    const clean = emit(compiler, join(scratch, "new"));
    if (!clean && !onInstall) return false;
    const dist = join(root, "dist");
    if (existsSync(dist)) renameSync(dist, join(scratch, "old"));
    if (existsSync(join(scratch, "new"))) renameSync(join(scratch, "new"), dist);
    return true;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (!build()) {
  console.error("build: failed (is the compiler installed? npm ci)");
  process.exitCode = 1;
}
