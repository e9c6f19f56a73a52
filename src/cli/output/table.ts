/** A table without lines, as wide as its content and no wider than the terminal. */
import type { Style, Tint } from "./style.ts";
import { clean, cut, widthOf, wrap } from "./text.ts";

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly tint?: (row: Row) => Tint;
  /** `never` cut: ids and numbers. `first`: before any other. */
  readonly cut?: "never" | "first";
  readonly align?: "right";
}

const GAP = "  ";
const MIN_WIDTH = 6;

/** Lines, the head first. A column without any content is left out. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], style: Style, width: number): string[] {
  const filled = columns
    .map((column) => ({ column, texts: rows.map((row) => clean(column.cell(row))) }))
    .filter(({ texts }) => texts.some((text) => text !== ""));
  const natural = filled.map(({ column, texts }) => Math.max(widthOf(column.head), ...texts.map(widthOf)));
  const widths = fitted(
    natural,
    filled.map(({ column }) => column.cut ?? "last"),
    width - GAP.length * (filled.length - 1),
  );
  const line = (cells: readonly string[]): string => cells.join(GAP).trimEnd();
  const head = line(filled.map(({ column }, i) => padded(column, style("dim", column.head), widths[i] ?? 0)));
  const body = rows.map((row, r) =>
    line(
      filled.map(({ column, texts }, i) => {
        const text = cut(texts[r] ?? "", widths[i] ?? 0);
        const tinted = column.tint === undefined ? text : style(column.tint(row), text);
        return padded(column, tinted, widths[i] ?? 0);
      }),
    ),
  );
  return [head, ...body];
}

/** Takes from the widest of the columns that may be cut, until it fits: of those that come first as long as they can give. */
function fitted(natural: readonly number[], cuts: readonly ("never" | "first" | "last")[], width: number): number[] {
  const widths = [...natural];
  const widestOf = (turn: "first" | "last"): number => {
    const able = widths.map((one, i) => (cuts[i] === turn && one > MIN_WIDTH ? one : 0));
    return Math.max(0, ...able) === 0 ? -1 : able.indexOf(Math.max(...able));
  };
  for (let over = widths.reduce((sum, one) => sum + one, 0) - width; over > 0; over--) {
    const first = widestOf("first");
    const at = first === -1 ? widestOf("last") : first;
    if (at === -1) break;
    widths[at] = (widths[at] ?? 0) - 1;
  }
  return widths;
}
function padded<Row>(column: Column<Row>, text: string, width: number): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return column.align === "right" ? `${space}${text}` : `${text}${space}`;
}

/** `whole`: never wrapped, so that it can be copied. */
export type Fact = readonly [name: string, value: string | null, whole?: "whole"];

/** Names and values, the values wrapped under each other. What has no value is left out. */
export function facts(pairs: readonly Fact[], style: Style, width: number): string[] {
  const shown = pairs.filter(([, value]) => value !== null && value !== "");
  const indent = Math.max(0, ...shown.map(([name]) => widthOf(name))) + GAP.length;
  return shown.flatMap(([name, value, whole]) => {
    const [first = "", ...rest] = whole === "whole" ? [value ?? ""] : wrap(value ?? "", width - indent);
    const head = `${style("dim", name)}${" ".repeat(indent - widthOf(name))}${first}`;
    return [head, ...rest.map((line) => `${" ".repeat(indent)}${line}`)];
  });
}
