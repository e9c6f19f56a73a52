/** What a seed plays: some of the workloads, at once. */
import { createCaller } from "../../src/testing/simulator/callers.ts";
import { drawsFor } from "../../src/testing/simulator/rates.ts";
import type { Play, Theatre } from "../../src/testing/simulator/world.ts";
import { counters } from "./workloads/counters.ts";
import type { Place, Workload } from "./workloads/workload.ts";

const WORKLOADS: Readonly<Record<string, Workload>> = { counters };

export function playOf(theatre: Theatre): Play {
  const { stage } = theatre;
  const draw = drawsFor(stage.seed, "play");
  const parts = Object.values(WORKLOADS)
    .filter(() => draw() < 2)
    .map((workload) => workload(theatre, draw));
  return {
    engines: (process, release) => {
      const place: Place = {
        process,
        release,
        sleep: (ms) => new Promise((resolve) => process.clock.after(ms, resolve)),
        draw: () => stage.draw("engines"),
        isCalm: () => stage.isCalm(),
      };
      return parts.flatMap((part) => part.engines(place));
    },
    callers: parts.flatMap(({ callers }) =>
      callers.map(({ name, act }) => ({ name, act: () => act(createCaller(stage, name)) })),
    ),
    check: () => {
      for (const part of parts) part.check?.();
    },
  };
}
