/** The package as a stranger gets it: packed from a copy of the repository, and checked from a project of its own. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { expect } from "vitest";
import { trackedFiles } from "../tidy/tracked-files.ts";

export const ROOT = join(import.meta.dirname, "../..");

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly all: string;
}

export function run(command: string, args: readonly string[], cwd: string, environment: NodeJS.ProcessEnv = process.env): Ended {
  const ours = Object.entries(environment).filter(([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name));
  const path = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...Object.fromEntries(ours), PATH: path },
    timeout: 100_000,
  });
  return { status, stdout, all: `${command} ${args.join(" ")}\n${stdout}${stderr}${error ?? ""}` };
}

export function succeed(...call: Parameters<typeof run>): string {
  const { status, stdout, all } = run(...call);
  expect(status, all).toBe(0);
  return stdout;
}

/** The tarball. A copy is packed, so that packing rebuilds nobody else's `dist`. */
export function pack(scratch: string): string {
  const clone = join(scratch, "clone");
  for (const path of trackedFiles(ROOT).filter((file) => !file.startsWith("test/"))) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    cpSync(join(ROOT, path), join(clone, path));
  }
  symlinkSync(join(ROOT, "node_modules"), join(clone, "node_modules"));
  succeed("npm", ["pack", "--pack-destination", scratch], clone);
  const [tarball] = readdirSync(scratch).filter((file) => file.endsWith(".tgz"));
  expect(tarball).toBeDefined();
  return join(scratch, tarball ?? "");
}

/** Packages of the repository into a project's `node_modules`, unless they are there. */
export function linkPackages(project: string, packages: readonly string[]): void {
  for (const name of packages) {
    mkdirSync(dirname(join(project, "node_modules", name)), { recursive: true });
    const link = join(project, "node_modules", name);
    if (!existsSync(link)) symlinkSync(join(ROOT, "node_modules", name), link);
  }
}

export function typeCheck(project: string, files: readonly string[], options: Readonly<Record<string, unknown>>): Ended {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "ES2022",
    module: "NodeNext",
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    skipLibCheck: false,
    ...options,
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  return run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", project], project);
}

export const NODE_TYPES = {
  types: ["node"],
  typeRoots: [join(ROOT, "node_modules/@types")],
  lib: ["ES2024", "ESNext.Disposable"],
};
