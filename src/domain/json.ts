/** What can be stored: plain JSON. Anything else is refused by path (G8). */
import { describe, NotJsonError } from "./errors.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

const MAX_DEPTH = 500;

/**
 * The JSON text of a value that comes back the same: throws `NotJsonError` with the path of what would not (functions,
 * cycles, NaN, BigInt, Map, Date, class instances, symbols, holes). An undefined property is left out, as JSON does.
 */
export function encodeJson(value: unknown, root = "$"): string {
  check(value, [], root);
  return JSON.stringify(value);
}

/** Parses what `encodeJson` wrote: a fresh copy. `__proto__` comes back as an own property, never as a prototype. */
export function decodeJson(text: string): Json {
  return JSON.parse(text) as Json;
}

function check(value: unknown, path: (string | number)[], root: string): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) refuse(path, root, String(value));
    return;
  }
  if (typeof value !== "object") refuse(path, root, value === undefined ? "undefined" : describe(value));
  if (path.length >= MAX_DEPTH) refuse(path.slice(0, 8), root, `a cycle, or more than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    if (Object.getPrototypeOf(value) !== Array.prototype) refuse(path, root, "an instance of a subclass of Array");
    checkOwn(value, path, root);
    for (let i = 0; i < value.length; i++) {
      path.push(i);
      check(value[i], path, root);
      path.pop();
    }
    return;
  }
  checkObject(value, path, root);
}

function checkObject(value: object, path: (string | number)[], root: string): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) refuse(path, root, describe(value));
  checkOwn(value, path, root);
  for (const key of Object.keys(value)) {
    const property: unknown = (value as Record<string, unknown>)[key];
    if (property === undefined) continue;
    path.push(key);
    check(property, path, root);
    path.pop();
  }
}

function checkOwn(value: object, path: readonly (string | number)[], root: string): void {
  if ("toJSON" in value && typeof value.toJSON === "function") refuse(path, root, "an object with toJSON");
  if (Object.getOwnPropertySymbols(value).length > 0) refuse(path, root, "an object with a symbol key");
}

function refuse(path: readonly (string | number)[], root: string, got: string): never {
  throw new NotJsonError(root + path.map(pathPart).join(""), got);
}
function pathPart(part: string | number): string {
  if (typeof part === "number") return `[${part}]`;
  return /^[A-Za-z_$][\w$]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
}
