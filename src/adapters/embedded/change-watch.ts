/**
 * Notices that another process wrote to the file, without asking again and again: SQLite appends every commit to its
 * log, and the system reports it. It reports once and has to be asked anew, so that a busy file costs nothing extra.
 * Where the system cannot report (no such service, too many watches), it says so, and the caller polls.
 */
import { type FSWatcher, watch } from "node:fs";

export interface ChangeWatch {
  /** True when the next change will be reported. */
  arm(): boolean;
  close(): void;
}

export function createChangeWatch(path: string, onChange: () => void): ChangeWatch {
  let watcher: FSWatcher | null = null;
  let closed = false;
  const disarm = (): void => {
    watcher?.close();
    watcher = null;
  };
  const start = (): FSWatcher => {
    const started = watch(`${path}-wal`, { persistent: false });
    started.on("error", disarm);
    started.once("change", () => {
      disarm();
      onChange();
    });
    return started;
  };
  return {
    arm() {
      if (closed || watcher !== null) return !closed;
      try {
        watcher = start();
        return true;
      } catch {
        return false;
      }
    },
    close() {
      closed = true;
      disarm();
    },
  };
}
