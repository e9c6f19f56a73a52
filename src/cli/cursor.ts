/** Where a page ended, as it stands on a command line: it says nothing to people, and needs no quotes in a shell. */
import { describe } from "../domain/errors.ts";
import { CliError, EXIT } from "./exit.ts";

export function cursorOut(cursor: string): string {
  return Buffer.from(cursor).toString("base64url");
}
/** @throws CliError */
export function cursorIn(text: string): string {
  const cursor = Buffer.from(text, "base64url").toString();
  if (text !== "" && cursorOut(cursor) === text) return cursor;
  throw new CliError(EXIT.usage, `--after: expected the cursor that a page ended with, got ${describe(text)}`);
}
