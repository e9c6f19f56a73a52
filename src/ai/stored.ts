/**
 * Values of the AI SDK as plain JSON, and back. Dates, URLs and bytes are kept as what they are; anything else that JSON
 * has no word for goes through as it came, for the store to refuse with its path (G8).
 */
import { convertDataContentToBase64String } from "ai";
import type { Json } from "../index.ts";

const TAG = "$type";

/** A fresh value: properties that are undefined are left out, and what has a `toJSON` is asked for it. */
export function toStored(value: unknown): Json {
  // What is neither plain nor known here is no JSON yet: whoever stores it says so.
  return convert(value) as Json;
}

function convert(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return tagged("date", value.toISOString());
  if (value instanceof URL) return tagged("url", value.href);
  if (value instanceof ArrayBuffer) return tagged("bytes", convertDataContentToBase64String(value));
  if (value instanceof Uint8Array) return tagged("bytes", convertDataContentToBase64String(value));
  if (Array.isArray(value)) return value.map((entry: unknown) => (entry === undefined ? null : convert(entry)));
  if ("toJSON" in value && typeof value.toJSON === "function") return convert(value.toJSON());
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const object = Object.fromEntries(
    Object.entries(value).flatMap(([name, property]) => (property === undefined ? [] : [[name, convert(property)]])),
  );
  return Object.hasOwn(object, TAG) ? tagged("object", object) : object;
}
function tagged(type: string, value: unknown): object {
  return { [TAG]: type, value };
}

/** What `toStored` was given, as far as JSON can say it. */
export function fromStored(stored: Json | undefined): unknown {
  if (typeof stored !== "object" || stored === null) return stored;
  if (isList(stored)) return stored.map(fromStored);
  const { [TAG]: type, value } = stored;
  if (type === "date" && typeof value === "string") return new Date(value);
  if (type === "url" && typeof value === "string") return new URL(value);
  if (type === "bytes" && typeof value === "string") return Uint8Array.from(atob(value), (char) => char.charCodeAt(0));
  const object = type === "object" && typeof value === "object" && value !== null ? value : stored;
  return Object.fromEntries(Object.entries(object).map(([name, property]) => [name, fromStored(property)]));
}
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** SHA-256, lower-case hex, of the value's JSON text. */
export async function digestOf(value: Json): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
