/** The programs in docs type-check as they stand: part of `npm run check`. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const docs = join(root, "docs");
/** What the other programs of a page import from it. */
const NAMED: Readonly<Record<string, string>> = { deploy: "export const deploy = defineEngine(Deploy" };

/** Pages take README's engine for granted. */
const QUICKSTART = "examples/quickstart/engine.ts";

const folder = mkdtempSync(join(root, ".build-docs-"));
try {
  const files = readdirSync(docs).flatMap((page) => writePrograms(page));
  const options = { noUnusedLocals: false, rootDir: root };
  const config = { extends: "../tsconfig.json", compilerOptions: options, files, include: [] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [tsc, "-p", folder], { stdio: "inherit" });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}

function writePrograms(page: string): string[] {
  const place = join(folder, page.replace(/\W/g, "-"));
  mkdirSync(place);
  writeFileSync(join(place, "engine.ts"), `export * from "../../${QUICKSTART}";\n`);
  const programs = [...readFileSync(join(docs, page), "utf8").matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text ?? "");
  return programs.map((text, i) => {
    const name = Object.entries(NAMED).find(([, mark]) => text.includes(mark))?.[0] ?? `program-${i + 1}`;
    writeFileSync(join(place, `${name}.ts`), text);
    return join(place, `${name}.ts`);
  });
}
