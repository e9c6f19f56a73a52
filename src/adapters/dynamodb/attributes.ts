/**
 * JSON as native attributes, and back. What would not come back the same has none: text with lone surrogates, numbers
 * beyond DynamoDB's range, names that are empty or `__proto__`, and what is nested too deeply.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Json } from "../../domain/json.ts";

export type Attributes = Record<string, AttributeValue>;

/** DynamoDB's own bound is 32, the attribute itself counted. */
const MAX_DEPTH = 30;
/** A double has at most 17 of the 38 digits that DynamoDB keeps; its range is narrower than a double's. */
const SMALLEST = 1e-130;
const LARGEST = 9.9e125;

/** Null where no native attribute gives the same value back. */
export function toAttribute(value: Json, depth = 1): AttributeValue | null {
  if (value === null) return { NULL: true };
  if (typeof value === "string") return value.isWellFormed() ? { S: value } : null;
  if (typeof value === "number") return isInRange(value) ? { N: String(value) } : null;
  if (typeof value === "boolean") return { BOOL: value };
  if (depth > MAX_DEPTH) return null;
  if (isList(value)) return toList(value, depth);
  const M: Attributes = {};
  for (const name in value) {
    const part = value[name];
    if (part === undefined) continue;
    const attribute = isNameable(name) ? toAttribute(part, depth + 1) : null;
    if (attribute === null) return null;
    M[name] = attribute;
  }
  return { M };
}
function toList(value: readonly Json[], depth: number): AttributeValue | null {
  const L: AttributeValue[] = [];
  for (const part of value) {
    const attribute = toAttribute(part, depth + 1);
    if (attribute === null) return null;
    L.push(attribute);
  }
  return { L };
}
function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
function isInRange(value: number): boolean {
  const size = Math.abs(value);
  return size === 0 || (size >= SMALLEST && size <= LARGEST);
}
export function isNameable(name: string): boolean {
  return name !== "" && name !== "__proto__" && name.isWellFormed();
}

/** Undefined for what JSON has no counterpart of: somebody else wrote it. */
export function toJson(attribute: AttributeValue): Json | undefined {
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.NULL !== undefined) return null;
  if (attribute.M !== undefined) return toObject(attribute.M);
  return attribute.L === undefined ? undefined : toArray(attribute.L);
}
function toObject(parts: Readonly<Attributes>): Json | undefined {
  const object: Record<string, Json> = {};
  for (const name in parts) {
    const part = parts[name];
    const value = part === undefined ? undefined : toJson(part);
    if (value === undefined) return undefined;
    object[name] = value;
  }
  return object;
}
function toArray(parts: readonly AttributeValue[]): Json | undefined {
  const array: Json[] = [];
  for (const part of parts) {
    const value = toJson(part);
    if (value === undefined) return undefined;
    array.push(value);
  }
  return array;
}
