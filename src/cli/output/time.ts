/** Instants and durations as people say them. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/limits.ts";

const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [DAY_MS, "d"],
  [HOUR_MS, "h"],
  [MINUTE_MS, "min"],
  [SECOND_MS, "s"],
];
const YEAR_DAYS = 365;
/** From here on the smaller unit beside it says nothing. */
const COARSE = 10;

/** `12 ms`, `4.2 s`, `3 min`, `2 h 5 min`, `3 d`, `2 years`. */
export function duration(ms: number): string {
  const length = Math.max(0, ms);
  if (length < SECOND_MS) return `${Math.round(length)} ms`;
  if (length < COARSE * SECOND_MS) return `${(Math.floor(length / 100) / 10).toString()} s`;
  const years = Math.floor(length / (YEAR_DAYS * DAY_MS));
  if (years >= 2) return `${years} years`;
  const at = UNITS.findIndex(([unit]) => length >= unit);
  const [unit, name] = UNITS[at] ?? [SECOND_MS, "s"];
  const count = Math.floor(length / unit);
  const smaller = UNITS[at + 1];
  const rest = smaller === undefined || count >= COARSE ? 0 : Math.floor((length % unit) / smaller[0]);
  return rest === 0 || smaller === undefined ? `${count} ${name}` : `${count} ${name} ${rest} ${smaller[1]}`;
}

/** `3 s ago`, `now`, `in 5 min`. */
export function relative(atMs: number, nowMs: number): string {
  const ms = atMs - nowMs;
  if (Math.abs(ms) < SECOND_MS) return "now";
  const length = coarse(Math.abs(ms));
  return ms < 0 ? `${length} ago` : `in ${length}`;
}
/** One unit: beside now, nobody wants two. Just short of a unit is taken for it: what was set a moment ago reads as it was set. */
function coarse(ms: number): string {
  const years = Math.floor(ms / (YEAR_DAYS * DAY_MS));
  if (years >= 2) return `${years} years`;
  const rounded = Math.round(ms / SECOND_MS) * SECOND_MS;
  const at = Math.max(
    0,
    UNITS.findIndex(([size]) => rounded >= size),
  );
  const [unit, name] = UNITS[at] ?? [SECOND_MS, "s"];
  const [larger, largerName] = UNITS[at - 1] ?? [Number.POSITIVE_INFINITY, ""];
  const count = Math.round(rounded / unit);
  return count * unit >= larger ? `1 ${largerName}` : `${count} ${name}`;
}

/** `2026-03-01 14:05:09`, in local time. */
export function instant(atMs: number): string {
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return "never";
  const two = (part: number): string => String(part).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
