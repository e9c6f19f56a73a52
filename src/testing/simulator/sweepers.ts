/** The sweep, once a minute where something is due: by a process, or by a function that goes from shard to shard. */
import { DUE_KEY } from "../../domain/keys.ts";
import { MINUTE_MS, SWEEP_MS } from "../../domain/limits.ts";
import { patientOf } from "../../runtime/rookery.ts";
import { sweepShards } from "../../runtime/shard-sweep.ts";
import { sweep } from "../../runtime/sweep.ts";
import { createProcess } from "./process.ts";
import type { Stage } from "./stage.ts";
import { fieldOf } from "./trace.ts";

/** A sweep of all shards, though only few have something: now and then. */
const WHOLE = 0.05;

/** `dueShards`: those with an alarm that has passed. Minutes in which there is none go by without a sweep. */
export function startSweepers(stage: Stage, dueShards: () => readonly number[]): void {
  const count = stage.host.workers > 2 ? 2 : 1;
  for (let i = 1; i <= count; i++) startSweeper(stage, `sweeper-${i}`, dueShards);
}

function startSweeper(stage: Stage, name: string, dueShards: () => readonly number[]): void {
  const { scheduler, host, environment } = stage;
  let actor = createProcess(stage, `${name}.1`);
  let started = 1;
  let busy = false;
  let soonestAtMs = 0;
  let armed: { readonly atMs: number; readonly cancel: () => void } | null = null;
  function arm(alarmAtMs: number | null): void {
    if (alarmAtMs === null) return;
    const atMs = Math.max(alarmAtMs, soonestAtMs);
    if (armed !== null && armed.atMs <= atMs) return;
    armed?.cancel();
    armed = { atMs, cancel: scheduler.in(atMs - stage.nowMs() + stage.draw("sweepers") * SWEEP_MS, tick) };
  }
  function tick(): void {
    armed = null;
    soonestAtMs = stage.nowMs() + SWEEP_MS / 2;
    const due = dueShards();
    if (!busy && due.length > 0) begin(due);
    arm(environment.nextAlarmAtMs());
  }
  function begin(due: readonly number[]): void {
    if (actor.isDead()) {
      started += 1;
      actor = createProcess(stage, `${name}.${started}`);
    }
    busy = true;
    const end = (): void => {
      busy = false;
    };
    actor.onDeath(end);
    const deps = patientOf(actor.deps);
    const shards = stage.draw("sweepers") < WHOLE ? {} : { shards: due };
    const swept =
      host.kind === "processes"
        ? sweep(deps, shards)
        : sweepShards(deps, { endsAtMs: actor.clock.nowMs() + MINUTE_MS, elsewhere: async () => undefined, ...shards });
    swept.then(end, end);
  }
  stage.observers.push({
    applied: (_who, { method, args }, answer) => {
      if (method !== "write" || fieldOf(args[0], "sort") !== DUE_KEY || fieldOf(answer, "ok") !== true) return;
      const atMs = fieldOf(fieldOf(args[0], "due"), "atMs");
      if (typeof atMs === "number") arm(atMs);
    },
  });
}
