/**
 * Names this process so that another one on the same machine can tell for certain that it is gone.
 *
 * A name is `linux/<machine>/<boot>/<pid namespace>/<pid>/<start time>`. It is gone when
 *  - the machine was started again: same machine id, another boot id. Machine ids of containers are copied with their
 *    image, so this is believed only of processes in the machine's first pid namespace;
 *  - same boot and pid namespace: no such pid, another start time (the pid was given away again), or a zombie.
 * Anything else is unknown, so not gone. Elsewhere than on Linux (`other/<host>/<pid>`) only a missing pid counts.
 */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { ProcessTable } from "../../ports/process-table.ts";

/** A process found alive is not looked at again for so long. */
const CACHE_MS = 5;
const CACHE_ENTRIES = 1_000;
/** The number that Linux gives to the first pid namespace of a machine. */
const FIRST_PID_NAMESPACE = "4026531836";

interface Identity {
  readonly machine: string;
  readonly boot: string;
  readonly pidNamespace: string;
  readonly pid: number;
  readonly start: string;
}
type Probe = (pid: number) => { readonly exists: boolean; readonly start: string | null; readonly zombie: boolean };

export function createProcessTable(): ProcessTable {
  const me = process.platform === "linux" ? readOwnIdentity() : null;
  if (me === null) return createPortableTable();
  return { self: nameOf(me), isGone: cached((holder) => isGoneFor(me, holder, probeLinux)) };
}

/** Pure but for the probe: exported for its table of cases. */
export function isGoneFor(me: Identity, holder: string, probe: Probe): boolean {
  const other = parseIdentity(holder);
  if (other === null) return false;
  if (other.boot !== me.boot) return restartedSince(me, other);
  if (other.pidNamespace !== me.pidNamespace) return false;
  const found = probe(other.pid);
  return !found.exists || found.zombie || (found.start !== null && found.start !== other.start);
}

function restartedSince(me: Identity, other: Identity): boolean {
  const sameMachine = me.machine !== "" && me.machine === other.machine;
  return sameMachine && me.pidNamespace === FIRST_PID_NAMESPACE && other.pidNamespace === FIRST_PID_NAMESPACE;
}

function nameOf({ machine, boot, pidNamespace, pid, start }: Identity): string {
  return ["linux", machine, boot, pidNamespace, pid, start].join("/");
}
export function parseIdentity(name: string): Identity | null {
  const found = /^linux\/([0-9a-f]*)\/([0-9a-f-]+)\/(\d+)\/(\d+)\/(\d+)$/.exec(name);
  if (found === null) return null;
  const [, machine = "", boot = "", pidNamespace = "", pid = "", start = ""] = found;
  return { machine, boot, pidNamespace, pid: Number(pid), start };
}

/** Null without a complete /proc: half a name would let others take this process for gone. */
function readOwnIdentity(): Identity | null {
  const stat = readStat(process.pid);
  if (stat === null) return null;
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const pidNamespace = readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
    return { machine: readMachine(), boot, pidNamespace, pid: process.pid, start: stat.start };
  } catch {
    return null;
  }
}
/** The id itself is not for other eyes (machine-id(5)), so a digest stands for it. */
function readMachine(): string {
  try {
    const id = readFileSync("/etc/machine-id", "utf8").trim();
    return id === "" ? "" : createHash("sha256").update(`rookery ${id}`).digest("hex").slice(0, 16);
  } catch {
    return "";
  }
}

function probeLinux(pid: number): ReturnType<Probe> {
  if (!pidExists(pid)) return { exists: false, start: null, zombie: false };
  const stat = readStat(pid);
  return { exists: true, start: stat?.start ?? null, zombie: stat?.state === "Z" || stat?.state === "X" };
}
function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return !(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH");
  }
}
/** Null when it may not be read (another user's, with `hidepid`) or has just ended. */
function readStat(pid: number): { state: string; start: string } | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return null;
  }
}
/** The command's name, in parentheses, may hold spaces and parentheses itself: the fields begin after the last one. */
export function parseStat(stat: string): { state: string; start: string } | null {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields[0], fields[19]];
  return state === undefined || start === undefined ? null : { state, start };
}

function createPortableTable(): ProcessTable {
  const prefix = `other/${hostname()}/`;
  const isGone = (holder: string): boolean => {
    const pid = holder.startsWith(prefix) ? Number(holder.slice(prefix.length)) : Number.NaN;
    return Number.isSafeInteger(pid) && pid > 0 && !pidExists(pid);
  };
  return { self: `${prefix}${process.pid}`, isGone: cached(isGone) };
}

/** Who is gone stays gone; who is alive is asked again after a moment. */
function cached(isGone: (holder: string) => boolean): (holder: string) => boolean {
  const known = new Map<string, { readonly gone: boolean; readonly atMs: number }>();
  return (holder) => {
    const nowMs = performance.now();
    const found = known.get(holder);
    if (found !== undefined && (found.gone || nowMs - found.atMs < CACHE_MS)) return found.gone;
    if (known.size >= CACHE_ENTRIES) known.clear();
    const gone = isGone(holder);
    known.set(holder, { gone, atMs: nowMs });
    return gone;
  };
}
