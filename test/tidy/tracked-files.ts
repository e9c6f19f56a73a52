/** The files of the repository: what git tracks, and what it would track. Without git, everything that is not built. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const BUILT = /(^|\/)(node_modules|dist|coverage|\.git|\.rookery|\.build-[^/]*)(\/|$)|\.tgz$/;

export function trackedFiles(root: string): string[] {
  const listed = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  const paths = listed.status === 0 ? listed.stdout.split("\0") : readdirSync(root, { recursive: true, encoding: "utf8" });
  return paths.filter((path) => path !== "" && !BUILT.test(path) && isFile(join(root, path))).sort();
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
