/** Links in README and docs lead somewhere; that their programs type-check is part of `npm run check`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const pages = ["README.md", "localstack/README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];
const read = (page: string) => readFileSync(join(root, page), "utf8");

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
