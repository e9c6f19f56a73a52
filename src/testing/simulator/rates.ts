/** Which faults a seed has, and how often: most seeds have few, so that each is met without the others too. */
import { createSeededRandom } from "../../adapters/memory/random.ts";

/** Chances per port call, unless it says otherwise. */
export interface Rates {
  /** A process dies; what it was about to do has not happened, or has. */
  readonly crashBefore: number;
  readonly crashAfter: number;
  /** A write is applied, its answer is lost, and the caller's SDK makes it once more. */
  readonly lostAnswer: number;
  /** It fails, without effect or with it, as a store or queue that cannot be reached. */
  readonly failBefore: number;
  readonly failAfter: number;
  /** Store, queue or blobs are out of reach for a while. */
  readonly outage: number;
  /** It takes seconds. */
  readonly slow: number;
  /** The process stands still, timers and all, often for longer than a lease; then it goes on. */
  readonly freeze: number;
  /** A process's clock is set anew. */
  readonly clockJump: number;
  /** Of a message sent: it comes twice, or late, or never. */
  readonly hintTwice: number;
  readonly hintLate: number;
  readonly hintLost: number;
  /** Of a message received: it becomes visible again while its worker is at it. */
  readonly lapse: number;
  /** How late the indexes are, at most, in milliseconds. */
  readonly indexLagMs: number;
  /** Of a blob read: it is missing for a while. */
  readonly blobGone: number;
  /** A newer version of the engines is deployed. */
  readonly deploy: number;
}
export type FaultKind = keyof Rates;

type Bounds = readonly [least: number, most: number];
/** Drawn between these, evenly by magnitude, where a seed has the fault at all. */
const BOUNDS: Readonly<Record<FaultKind, Bounds>> = {
  crashBefore: [0.001, 0.02],
  crashAfter: [0.001, 0.02],
  lostAnswer: [0.005, 0.2],
  failBefore: [0.001, 0.04],
  failAfter: [0.001, 0.04],
  outage: [0.000_5, 0.004],
  slow: [0.002, 0.06],
  freeze: [0.001, 0.015],
  clockJump: [0.001, 0.02],
  hintTwice: [0.01, 0.3],
  hintLate: [0.01, 0.3],
  hintLost: [0.01, 0.2],
  lapse: [0.01, 0.2],
  indexLagMs: [100, 120_000],
  blobGone: [0.01, 0.1],
  deploy: [0.000_5, 0.005],
};
export const FAULT_KINDS = Object.keys(BOUNDS) as readonly FaultKind[];
const HAS = 0.3;

/** Numbers of their own for each purpose: one fault less does not change what the others draw. */
export function drawsFor(seed: number, purpose: string): () => number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  for (let i = 0; i < purpose.length; i++) mixed = Math.imul(mixed ^ purpose.charCodeAt(i), 0x01000193);
  return createSeededRandom(mixed).fraction;
}

export function drawRates(seed: number, without: ReadonlySet<string> = new Set()): Rates {
  const draw = drawsFor(seed, "rates");
  const entries = FAULT_KINDS.map((kind): readonly [FaultKind, number] => {
    const [least, most] = BOUNDS[kind];
    const [has, magnitude] = [draw() < HAS, draw()];
    return [kind, has && !without.has(kind) ? least * (most / least) ** magnitude : 0];
  });
  return Object.fromEntries(entries) as unknown as Rates;
}
/** Kinds that a seed of few calls would hardly meet at their usual rates. */
const PER_RUN: readonly FaultKind[] = [
  ...(["crashBefore", "crashAfter", "lostAnswer", "failBefore", "failAfter", "outage"] as const),
  ...(["slow", "freeze", "clockJump", "deploy"] as const),
];
const MOST_RATE = 0.3;
/** For a run of about so many calls: each fault that the seed has comes about this often in it. */
const TIMES: Bounds = [0.5, 5];

/** As `drawRates`, for a small run. */
export function drawRatesFor(calls: number, seed: number, without: ReadonlySet<string>): Rates {
  const rates = drawRates(seed, without);
  const draw = drawsFor(seed, "times");
  const scaled = PER_RUN.map((kind): readonly [FaultKind, number] => {
    const times = TIMES[0] + (TIMES[1] - TIMES[0]) * draw() ** 2;
    return [kind, rates[kind] === 0 ? 0 : Math.min(MOST_RATE, times / calls)];
  });
  return { ...rates, ...Object.fromEntries(scaled) };
}
export const NO_FAULTS: Rates = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as unknown as Rates;

/** Those that are on. */
export function faultsOf(rates: Rates): readonly FaultKind[] {
  return FAULT_KINDS.filter((kind) => rates[kind] > 0);
}
export function describeRates(rates: Rates): string {
  const on = faultsOf(rates).map((kind) => `${kind} ${Number(rates[kind].toPrecision(2))}`);
  return on.length === 0 ? "no faults" : on.join(", ");
}
