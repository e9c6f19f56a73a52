/** Colour where the terminal has it, by Node's own palette. */
import { styleText } from "node:util";
import type { GlobalFlags } from "../context.ts";
import type { Io, Sink } from "../io.ts";

export type Tint = Parameters<typeof styleText>[0];
export type Style = (tint: Tint, text: string) => string;

export function createStyle(colored: boolean): Style {
  return (tint, text) => (colored && text !== "" ? styleText(tint, text, { validateStream: false }) : text);
}

/** --no-color, then NO_COLOR (https://no-color.org), then FORCE_COLOR, then what the stream is. */
export function colorWanted(flags: Pick<GlobalFlags, "color">, env: Io["env"], sink: Sink): boolean {
  if (flags.color === false || isSet(env["NO_COLOR"])) return false;
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return sink.isTTY === true && env["TERM"] !== "dumb";
}
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
