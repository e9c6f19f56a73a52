/** Texts as SQS takes them, and tenants as its message groups. */
import { createHash } from "node:crypto";

/** What SQS refuses in a body or an attribute: most control characters, and halves of surrogate pairs. */
const REFUSED = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;
/** Letters, digits and punctuation of ASCII. */
const GROUP = /^[!-~]{1,128}$/;

/** Refused characters as their escapes (`\u0000`). */
export function carriable(text: string): string {
  return text.replace(REFUSED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Null for no tenant. What cannot be a group's name is told apart by its digest. */
export function groupOf(tenant: string): string | null {
  if (tenant === "") return null;
  return GROUP.test(tenant) ? tenant : createHash("sha256").update(tenant).digest("hex");
}
