/** Installs the emulator of AWS (MiniStack, from PyPI) into `.emulator`, once. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const NAME = "ministack";
const VERSION = "1.5.33";
export const EMULATOR_HOME = join(fileURLToPath(import.meta.url), "../../.emulator");
export const PYTHON_WANTED = "Python 3.10 or newer with its venv module (on Debian and Ubuntu: apt install python3-venv)";

const execute = promisify(execFile);

/** The command of a Python that can run the emulator. Null where there is none. */
export async function findPython(): Promise<string | null> {
  for (const name of ["python3", "python"]) {
    if (await succeeds(name, ["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"])) return name;
  }
  return null;
}

/**
 * The path of the Python that has the emulator, installed when it is not there: made beside its place and renamed into it,
 * so what is in place is whole. Two may install at once: the first to finish wins.
 * @throws Error with what pip said
 */
export async function installEmulator(
  python: string,
  say: (text: string) => void = () => undefined,
  home = EMULATOR_HOME,
): Promise<string> {
  const folder = join(home, `${NAME}-${VERSION}`);
  if (await runs(folder)) return pythonOf(folder);
  say(`installing ${NAME} ${VERSION} from PyPI into .emulator (once, about 20 s)`);
  mkdirSync(home, { recursive: true });
  removeAbandoned(home);
  const fresh = mkdtempSync(join(home, `${MAKING}${process.pid}-`));
  try {
    await make(python, fresh);
    await moveInto(folder, fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return pythonOf(folder);
}

const pythonOf = (folder: string): string => join(folder, "bin", "python");
/** Not so after a half install, and when the Python that it was made with has gone. */
const runs = (folder: string): Promise<boolean> => succeeds(pythonOf(folder), ["-I", "-c", `import ${NAME}`]);

async function make(python: string, folder: string): Promise<void> {
  try {
    await execute(python, ["-m", "venv", folder]);
    const options = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries", "2"];
    await execute(pythonOf(folder), ["-m", "pip", "install", ...options, `${NAME}==${VERSION}`]);
  } catch (error) {
    throw new Error(`${NAME} ${VERSION} could not be installed from PyPI (is there a network?)\n${outputOf(error)}`);
  }
}

/** What is in place and does not run gives way. */
async function moveInto(folder: string, fresh: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return renameSync(fresh, folder);
    } catch (error) {
      if (!existsSync(folder) || attempt === 3) throw error;
    }
    if (await runs(folder)) return;
    rmSync(folder, { recursive: true, force: true });
  }
}

const MAKING = "making-";
/** Left by installs whose process was ended. */
function removeAbandoned(home: string): void {
  for (const name of readdirSync(home)) {
    const pid = name.startsWith(MAKING) ? Number.parseInt(name.slice(MAKING.length), 10) : process.pid;
    if (!isRunning(pid)) rmSync(join(home, name), { recursive: true, force: true });
  }
}
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return execute(command, args).then(
    () => true,
    () => false,
  );
}

function outputOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const printed = ["stdout", "stderr"].map((stream) => String(Reflect.get(error, stream) ?? "").trim());
  return printed.some((text) => text !== "") ? printed.filter((text) => text !== "").join("\n") : error.message;
}
