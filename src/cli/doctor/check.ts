/** What the doctor looked at, and how to mend it. */
import { accessSync, constants } from "node:fs";

export interface Check {
  readonly name: string;
  /** `notice`: nothing is wrong, and yet somebody may want to know. */
  readonly state: "ok" | "notice" | "wrong";
  readonly found: string;
  readonly fix: string | null;
  /** The same as data, for --json. */
  readonly data?: Readonly<Record<string, unknown>>;
}

export function ok(name: string, found: string, data?: Check["data"]): Check {
  return { name, state: "ok", found, fix: null, ...(data === undefined ? {} : { data }) };
}
export function notice(name: string, found: string, fix: string, data?: Check["data"]): Check {
  return { ...ok(name, found, data), state: "notice", fix };
}
export function wrong(name: string, found: string, fix: string, data?: Check["data"]): Check {
  return { ...ok(name, found, data), state: "wrong", fix };
}

export const NOT_WRITABLE = "let this user write there, or name another folder with --home";
export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
