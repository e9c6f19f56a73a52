/**
 * One JSON line per workload. `npm run bench -- <name>...` measures only those. Where a figure has a bound beside it
 * (`…AtLeast`, `…AtMost`) the line says whether it is `ok`, and the exit code is 1 when one is not.
 */
import { flight } from "./flight.ts";
import { journal } from "./journal.ts";
import { parked } from "./parked.ts";
import { recovery } from "./recovery.ts";
import { sequential } from "./sequential.ts";
import { stream } from "./stream.ts";

const workloads: { readonly [name: string]: () => Promise<object> } = {
  sequential,
  "in-flight-1": () => flight({ inFlight: 1, processes: 1, seconds: 5 }),
  "in-flight-10": () => flight({ inFlight: 10, processes: 1, seconds: 5 }),
  "in-flight-50": () => flight({ inFlight: 50, processes: 1, seconds: 10 }),
  "in-flight-50-two-processes": () => flight({ inFlight: 50, processes: 2, seconds: 10 }),
  "journal-steps": () => journal("steps"),
  "journal-full": () => journal("full"),
  "journal-interval-100": () => journal("interval"),
  "journal-compact": () => journal("compact"),
  recovery,
  parked,
  stream,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in workloads));
if (unknown.length > 0) {
  process.stderr.write(`bench: unknown workload ${unknown.join(", ")}, expected: ${Object.keys(workloads).join(", ")}\n`);
  process.exit(2);
}
for (const [name, measure] of Object.entries(workloads)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const figures = await measure();
  const ok = isWithinBounds(figures);
  if (!ok) process.exitCode = 1;
  process.stdout.write(`${JSON.stringify({ workload: name, ...figures, ok })}\n`);
}

function isWithinBounds(figures: object): boolean {
  return Object.entries(figures).every(([name, bound]) => {
    const [figure, direction] = [name.replace(/At(Least|Most)$/, ""), /At(Least|Most)$/.exec(name)?.[1]];
    if (direction === undefined) return true;
    const measured: unknown = Reflect.get(figures, figure);
    if (typeof measured !== "number" || typeof bound !== "number") throw new Error(`expected a figure beside ${name}`);
    return direction === "Least" ? measured >= bound : measured <= bound;
  });
}
