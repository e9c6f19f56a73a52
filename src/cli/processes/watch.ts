/** Tells when code under some folders was saved: once per burst of changes, with the files that changed. */
import { extname, relative, sep } from "node:path";
import { watch } from "chokidar";

/** What a worker process may have loaded. Data is none of it: steps write files, too. */
const CODE = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"];
const IGNORED = ["node_modules", "dist"];
/** Editors write a file in several steps, and a save of many files is one change. */
const QUIET_MS = 100;

export interface CodeWatch {
  /** Nothing in this folder is code. */
  ignore(folder: string): void;
  close(): Promise<void>;
}

/** Resolves once every change from now on is noticed. */
export async function watchCode(folders: readonly string[], onChange: (files: readonly string[]) => void): Promise<CodeWatch> {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch([...folders], {
    ignoreInitial: true,
    ignored: (path, stats) => isIgnored(path, folders) || (stats?.isFile() === true && !CODE.includes(extname(path))),
  });
  watcher.on("all", (_event, path) => {
    if (!CODE.includes(extname(path))) return;
    changed.add(path);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const files = [...changed];
      changed.clear();
      onChange(files);
    }, QUIET_MS);
  });
  await new Promise<void>((resolve) => watcher.once("ready", resolve));
  return {
    ignore: (folder) => void watcher.unwatch(folder),
    close: () => {
      clearTimeout(timer);
      return watcher.close();
    },
  };
}

/** Folders with a leading dot hold no code of ours: .git, .rookery, an editor's own. */
function isIgnored(path: string, folders: readonly string[]): boolean {
  const root = folders.filter((folder) => path.startsWith(folder)).sort((a, b) => b.length - a.length)[0] ?? "";
  return relative(root, path)
    .split(sep)
    .some((part) => IGNORED.includes(part) || /^\.[^.]/.test(part));
}
