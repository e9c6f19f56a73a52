/** What an item takes by DynamoDB's rules (CapacityUnitCalculations in its guide): it is billed by that, and bounded. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Attributes } from "./attributes.ts";

/** 400 KB, names included. */
export const MAX_ITEM_BYTES = 409_600;

const NESTED_BYTES = 3;
const ELEMENT_BYTES = 1;

/** Bytes of names and values. The guide counts numbers "approximately": this is what DynamoDB Local counts. */
export function itemBytes(item: Readonly<Attributes>): number {
  let bytes = 0;
  for (const name in item) {
    const value = item[name];
    if (value !== undefined) bytes += utf8Bytes(name) + valueBytes(value);
  }
  return bytes;
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return utf8Bytes(value.S);
  if (value.N !== undefined) return numberBytes(value.N);
  if (value.B !== undefined) return value.B.byteLength;
  if (value.M !== undefined) return NESTED_BYTES + itemBytes(value.M) + ELEMENT_BYTES * Object.keys(value.M).length;
  if (value.L !== undefined) return value.L.reduce((sum, part) => sum + valueBytes(part) + ELEMENT_BYTES, NESTED_BYTES);
  return 1;
}

/** A byte, one for every pair of digits from the first to the last that is not 00 (counted from the point), one for a sign. */
function numberBytes(text: string): number {
  const value = Number(text);
  if (value === 0) return 1;
  const [digits = "", exponent = ""] = Math.abs(value).toExponential().split("e");
  const first = Number(exponent);
  const last = first - digits.replace(".", "").length + 1;
  const pairs = Math.floor(first / 2) - Math.floor(last / 2) + 1;
  return 1 + pairs + (value < 0 ? 1 : 0);
}

function utf8Bytes(text: string): number {
  return Buffer.byteLength(text, "utf8");
}
