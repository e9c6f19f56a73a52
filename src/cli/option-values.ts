/** Durations as people and ISO 8601 write them. */
import { InvalidArgumentError } from "commander";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../domain/limits.ts";

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  sec: SECOND_MS,
  m: MINUTE_MS,
  min: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
  y: 365 * DAY_MS,
};
const PART = /(\d+(?:\.\d+)?)\s*([a-z]+)/g;
const PARTS = /^(?:\d+(?:\.\d+)?\s*[a-z]+\s*)+$/;
const ISO = /^P(?=.)(?:(\d+)Y)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const ISO_UNITS = [365 * DAY_MS, 7 * DAY_MS, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS];

/** `500`, `90s`, `1h 30m`, `PT10M`: milliseconds. Null also for more than can be counted with. */
export function parseDuration(text: string): number | null {
  const ms = millisecondsIn(text);
  return Number.isSafeInteger(ms) ? ms : null;
}
function millisecondsIn(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Number(trimmed);
  const iso = ISO.exec(trimmed.toUpperCase());
  if (iso !== null) return Math.round(iso.slice(1).reduce((sum, part, i) => sum + Number(part ?? 0) * (ISO_UNITS[i] ?? 0), 0));
  if (!PARTS.test(trimmed)) return null;
  let total = 0;
  for (const [, count, name = ""] of trimmed.matchAll(PART)) {
    const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
    if (unit === undefined) return null;
    total += Number(count) * unit;
  }
  return Math.round(total);
}

/** For commander. */
export function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === null)
    throw new InvalidArgumentError(`expected a duration such as 10m, 1h30m, PT10M or 500 (ms), got ${JSON.stringify(text)}`);
  return ms;
}
export function countOption(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text.trim()) || !Number.isSafeInteger(count) || count < 1)
    throw new InvalidArgumentError(`expected a whole number from 1, got ${JSON.stringify(text)}`);
  return count;
}
/** `name=value`, repeatable. */
export function labelOption(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`expected name=value, got ${JSON.stringify(text)}`);
  const name = text.slice(0, at);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`expected every name once, got ${JSON.stringify(name)} twice`);
  return { ...before, [name]: text.slice(at + 1) };
}
export function portOption(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError(`expected a port from 0 to 65535, got ${JSON.stringify(text)}`);
  return port;
}
/** Repeatable. */
export function originOption(text: string, before: readonly string[] = []): string[] {
  if (!URL.canParse(text) || new URL(text).origin !== text)
    throw new InvalidArgumentError(`expected an origin such as http://localhost:3000, got ${JSON.stringify(text)}`);
  return [...before, text];
}
