/** What a seed plays: some of the workloads, at once. */

import { DAY_MS } from "../../src/domain/limits.ts";
import { drawsFor } from "../../src/testing/simulator/rates.ts";
import type { Play, Theatre } from "../../src/testing/simulator/world.ts";
import { createCaller } from "./callers.ts";
import { commands } from "./workloads/commands.ts";
import { counters } from "./workloads/counters.ts";
import { deadlines } from "./workloads/deadlines.ts";
import { effects } from "./workloads/effects.ts";
import { families } from "./workloads/families.ts";
import { lives } from "./workloads/lives.ts";
import { poison } from "./workloads/poison.ts";
import { signals } from "./workloads/signals.ts";
import type { Place, Workload } from "./workloads/workload.ts";
import { writers } from "./workloads/writers.ts";

const WORKLOADS: Readonly<Record<string, Workload>> = {
  commands,
  counters,
  deadlines,
  effects,
  families,
  lives,
  poison,
  signals,
  writers,
};
const HAS = 0.35;
const REST_MS = 40 * DAY_MS;

/** Those of the seed, or the ones that are named. */
export function playOf(theatre: Theatre, only: readonly string[] | null = null): Play {
  const { stage } = theatre;
  const draw = drawsFor(stage.seed, "play");
  const names = Object.keys(WORKLOADS);
  const first = names[Math.floor(draw() * names.length)];
  const drawn = names.filter((name) => draw() < HAS || name === first);
  const parts = (only ?? drawn).flatMap((name) => WORKLOADS[name]?.(theatre, drawsFor(stage.seed, name)) ?? []);
  return {
    engines: (process, release) => {
      const place: Place = {
        process,
        release,
        sleep: (ms) =>
          new Promise((resolve) => {
            process.clock.after(ms, resolve);
          }),
        draw: () => stage.draw("engines"),
        isCalm: () => stage.isCalm(),
      };
      // Every engine has a new version with each release, most of them without a change.
      return parts.flatMap((part) => part.engines(place)).map((engine) => ({ ...engine, version: 1 + release }));
    },
    callers: parts.flatMap(({ callers }) =>
      callers.map(({ name, act }) => ({ name, act: () => act(createCaller(stage, name)) })),
    ),
    restMs: REST_MS + Math.max(...parts.map(({ lastsMs = 0 }) => lastsMs)),
    check: () => {
      for (const part of parts) part.check?.();
    },
  };
}
