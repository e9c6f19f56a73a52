/** What an item takes by DynamoDB's rules (CapacityUnitCalculations in its guide): it is billed by that, and bounded. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Attributes } from "./attributes.ts";

/** 400 KB, names included. */
export const MAX_ITEM_BYTES = 409_600;

const NESTED_BYTES = 3;
const ELEMENT_BYTES = 1;

/** Bytes of names and values. Numbers are counted as documented, "approximately". */
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

/** A byte, one for every two significant digits, and one for a sign. */
function numberBytes(text: string): number {
  const [digits = ""] = text.split(/e/i);
  const significant = digits.replace(/[-+.]/g, "").replace(/^0+/, "").replace(/0+$/, "");
  return 1 + Math.ceil(significant.length / 2) + (text.startsWith("-") ? 1 : 0);
}

function utf8Bytes(text: string): number {
  return Buffer.byteLength(text, "utf8");
}
