/** Where a page ended, as it stands in a URL and on a command line: it says nothing to people, and needs no quotes. */

export function encodePageCursor(cursor: string): string {
  return Buffer.from(cursor).toString("base64url");
}
/** Null for what is none. */
export function decodePageCursor(text: string): string | null {
  const cursor = Buffer.from(text, "base64url").toString();
  return text !== "" && encodePageCursor(cursor) === text ? cursor : null;
}
