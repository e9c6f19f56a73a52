/** A copy of the repository to break: its files, and the packages linked. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { trackedFiles } from "../tidy/tracked-files.ts";
import { applied, type Break } from "./break.ts";

export interface Copy extends Disposable {
  readonly root: string;
  /** Until what it returns is called. @throws where a text is not found, or the result is no code */
  apply(what: Break): () => void;
}

/** What the machines need of it. */
const PARTS = /^(src|test|examples)\/|^(package|tsconfig)\.json$|^vitest\.config\.ts$/;

export function makeCopy(of: string): Copy {
  const root = mkdtempSync(join(tmpdir(), "rookery-sabotage-"));
  for (const path of trackedFiles(of).filter((one) => PARTS.test(one))) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    cpSync(join(of, path), join(root, path));
  }
  symlinkSync(join(of, "node_modules"), join(root, "node_modules"));
  return {
    root,
    apply(what) {
      const files = [...new Set(what.edits.map(({ file }) => file))];
      const before = files.map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
      const after = before.map(({ file, text }) => ({ file, text: applied(what, file, text) }));
      for (const { file, text } of after) writeFileSync(join(root, file), text);
      return () => {
        for (const { file, text } of before) writeFileSync(join(root, file), text);
      };
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
}
