/** Where a page ended, as it stands on a command line. */
import { describe } from "../domain/errors.ts";
import { decodePageCursor } from "../wire/page-cursor.ts";
import { CliError, EXIT } from "./exit.ts";

/** @throws CliError */
export function cursorIn(text: string): string {
  const cursor = decodePageCursor(text);
  if (cursor !== null) return cursor;
  throw new CliError(EXIT.usage, `--after: expected the cursor that a page ended with, got ${describe(text)}`);
}
