/** Results to stdout, in one of two forms: for people, or JSON. Notes for people go to stderr. */
import type { Io } from "../io.ts";
import type { Style } from "./style.ts";
import { type Column, type Fact, facts, table } from "./table.ts";

export interface Printer {
  readonly json: boolean;
  readonly style: Style;
  readonly columns: number;
  /** One line of a result. */
  line(text: string): void;
  /** The one document of a command. */
  document(value: unknown): void;
  /** One of many, a line each. */
  jsonLine(value: unknown): void;
  /** Cut to a terminal's width; a pipe gets everything. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void;
  facts(pairs: readonly Fact[]): void;
  /** What belongs to the result and is none, on stderr. Not with --json. */
  note(text: string): void;
  /** What a person may want to do next: on a terminal only. */
  hint(text: string): void;
}

export function createPrinter({ io, json, style, columns }: { io: Io; json: boolean; style: Style; columns: number }): Printer {
  const line = (text: string): void => {
    io.stdout.write(`${text}\n`);
  };
  return {
    json,
    style,
    columns,
    line,
    document: (value) => line(JSON.stringify(value, null, 2)),
    jsonLine: (value) => line(JSON.stringify(value)),
    table: (heads, rows) =>
      line(table(heads, rows, style, io.stdout.isTTY === true ? columns : Number.POSITIVE_INFINITY).join("\n")),
    facts: (pairs) => line(facts(pairs, style, columns).join("\n")),
    note: (text) => {
      if (!json) io.stderr.write(`${text}\n`);
    },
    hint: (text) => {
      if (!json && io.stdout.isTTY === true) io.stderr.write(`${style("dim", text)}\n`);
    },
  };
}
