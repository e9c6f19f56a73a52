/** A side effect in words. */
import { assertNever } from "../../domain/errors.ts";
import type { EffectEntry } from "../../runtime/resolve.ts";
import { bytesText } from "./item.ts";
import type { Tint } from "./style.ts";
import { clean } from "./text.ts";
import { relative } from "./time.ts";

export function effectWord({ state }: EffectEntry): string {
  return state === "failed" ? "given up" : state.replaceAll("_", " ");
}
export function effectTint({ state }: EffectEntry): Tint {
  switch (state) {
    case "reserved":
      return "cyan";
    case "in_doubt":
      return "magenta";
    case "open":
      return "yellow";
    case "confirmed":
      return "green";
    case "failed":
      return "red";
    default:
      return assertNever(state);
  }
}

/** What a table has room for. */
export function effectText({ state, untilAtMs, sinceMs, error, resultBytes, byOperator }: EffectEntry, nowMs: number): string {
  const said = byOperator ? ", as an operator said" : "";
  switch (state) {
    case "reserved":
      if (untilAtMs === null) return "its worker died while it was at work";
      return untilAtMs <= nowMs ? "its time is over" : `may be at work; over ${relative(untilAtMs, nowMs)}`;
    case "in_doubt":
      return `${sinceMs === null ? "" : `${relative(sinceMs, nowMs)}: `}${clean(error ?? "")}`;
    case "open":
    case "failed":
      return clean(error ?? "");
    case "confirmed":
      return `${bytesText(resultBytes ?? 0)}${said}`;
    default:
      return assertNever(state);
  }
}
