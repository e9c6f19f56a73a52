/** The programs in docs and README type-check as they stand, and links lead somewhere. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];
const read = (page: string) => readFileSync(join(root, page), "utf8");

/** What the other programs of a page import from it. */
const NAMED: Readonly<Record<string, string>> = { deploy: "export const deploy = defineEngine(Deploy" };

function programsOf(page: string): string[] {
  return [...read(page).matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text ?? "");
}

test("every program in docs type-checks", () => {
  const folder = mkdtempSync(join(root, ".build-docs-"));
  const files: string[] = [];
  try {
    for (const page of pages.filter((one) => one.startsWith("docs/"))) {
      const place = join(folder, page.replace(/\W/g, "-"));
      mkdirSync(place);
      for (const [i, text] of programsOf(page).entries()) {
        const name = Object.entries(NAMED).find(([, mark]) => text.includes(mark))?.[0] ?? `program-${i + 1}`;
        files.push(join(place, `${name}.ts`));
        writeFileSync(join(place, `${name}.ts`), text);
      }
    }
    const options = { noUnusedLocals: false, rootDir: root };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: "../tsconfig.json", compilerOptions: options, files, include: [] }),
    );
    const { status, stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], {
      encoding: "utf8",
    });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(pages)("every link in %s leads somewhere", (page) => {
  const text = read(page);
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)]
    .map(([, target]) => target ?? "")
    .filter((target) => !target.startsWith("https://"));
  const headings = new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => anchor(title ?? "")));
  const dead = links.filter((target) =>
    target.startsWith("#") ? !headings.has(target.slice(1)) : !existsSync(join(root, dirname(page), target.replace(/#.*/, ""))),
  );
  expect(dead).toEqual([]);
});

function anchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, "")
    .replaceAll(" ", "-");
}
