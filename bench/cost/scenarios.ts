/** What is measured, each as the difference between whole items: from their enqueue to all that follows their end. */
import { type Bill, billSince } from "../../src/adapters/metering/bill.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/limits.ts";
import { type Plan, Research } from "./research.ts";
import type { CostWorld } from "./world.ts";

/** What one of something costs. */
export interface Cost {
  readonly bill: Bill;
  /** So many of it were measured. */
  readonly measured: number;
}

/** From the hint's sending to its receipt; more than the steps of a batch take, which share a clock. */
const HOP_MS = 1_250;
export const PLAN: Plan = { bytes: 716, steps: 1, inline: 1, rest: "delay", delayMs: HOP_MS, effects: false, children: 0 };
const ANSWER = { to: "Did the ferry run on Sundays?", text: "Not before 1902, says the timetable." };

interface Whole {
  readonly plan: Plan;
  /** Side by side. Default 1. */
  readonly items?: number;
  /** Of messages, in an invocation. Default 1. */
  readonly batch?: number;
  readonly key?: string | null;
  /** Happens while they rest. Default: what a hop takes passes. */
  readonly between?: (workIds: readonly string[]) => Promise<void>;
}
/** Items from their enqueue to all that follows their end. */
async function whole(world: CostWorld, { plan, items = 1, batch = 1, key = null, between }: Whole): Promise<Bill> {
  return world.cost(async () => {
    const workIds: string[] = [];
    for (let i = 0; i < items; i++) {
      const { workId } = await world.client.enqueue(Research, plan, key === null ? {} : { key });
      workIds.push(workId);
    }
    for (let step = 0; step < plan.steps; step += plan.inline) {
      if (step > 0) await (between === undefined ? world.pass(HOP_MS) : between(workIds));
      await world.work(items, { batch, inlineSteps: Math.min(plan.inline, plan.steps - step) });
    }
  });
}

function times(bill: Bill, by: number): Bill {
  return bill.map((line) => ({ ...line, count: line.count * by }));
}
/** Of `count` things that `more` has and `less` has not, in each of so many items. */
function difference(less: Bill, more: Bill, count: number, items = 1): Cost {
  return { bill: times(billSince(less, more), 1 / (count * items)), measured: count * items };
}

interface Size {
  readonly bytes: number;
  /** Steps in an invocation. */
  readonly inline: number;
  readonly batch: number;
  /** How often the measured items stop to rest. */
  readonly rests: number;
}
/** A step of an item at work, with its share of what goes by invocation, and of the journal. */
export async function stepCost(world: CostWorld, { bytes, inline, batch, rests }: Size): Promise<Cost> {
  const plan = { ...PLAN, bytes, inline };
  const one = await whole(world, { plan, items: batch, batch });
  const more = await whole(world, { plan: { ...plan, steps: 1 + inline * rests }, items: batch, batch });
  return difference(one, more, inline * rests, batch);
}

/** Enqueue and end: an item of one step, without the step, which costs what one with a hop does. */
export async function itemCost(world: CostWorld, hop: Cost, key: string | null): Promise<Cost> {
  return difference(hop.bill, await whole(world, { plan: PLAN, key }), 1);
}

/** Time that passes while items rest, in minutes: after each part of it, there is a sweep. */
type Minutes = readonly number[];

/** A sleep of 5 min, with the step that it ends in. */
export function shortSleepCost(world: CostWorld, items: number, sleeps: number): Promise<Cost> {
  const minutes: Minutes = [1, 1, 1, 1, 1];
  return restCost(world, { plan: { ...PLAN, delayMs: 5 * MINUTE_MS }, minutes, items, rests: sleeps });
}
/** A sleep of a day, with the step that it ends in. Its alarm rings soon after its beginning, and 15 min before its end. */
export function longSleepCost(world: CostWorld, items: number, sleeps: number): Promise<Cost> {
  const minutes: Minutes = [6, DAY_MS / MINUTE_MS - 20, 14];
  return restCost(world, { plan: { ...PLAN, delayMs: DAY_MS }, minutes, items, rests: sleeps });
}
/** A signal to an item that has waited for an hour, with the step that it wakes. */
export function signalCost(world: CostWorld, items: number, signals: number): Promise<Cost> {
  const minutes: Minutes = [2, 58];
  return restCost(world, { plan: { ...PLAN, rest: "signal" }, minutes, items, rests: signals });
}

interface Rest {
  readonly plan: Plan;
  readonly minutes: Minutes;
  readonly items: number;
  readonly rests: number;
}
/** With what the sweeper does for them, and without what it does anyhow. */
async function restCost(world: CostWorld, { plan, minutes, items, rests }: Rest): Promise<Cost> {
  const between = async (workIds: readonly string[]): Promise<void> => {
    for (const each of minutes) {
      world.pass(each * MINUTE_MS);
      await world.sweep();
    }
    if (plan.rest !== "signal") return;
    for (const workId of workIds) await world.client.signal(Research, workId, "answer", ANSWER);
  };
  const idle = await world.cost(() => world.sweep());
  // The first rest finds the alarm of the enqueue.
  const one = await whole(world, { plan: { ...plan, steps: 2 }, items, between });
  const more = await whole(world, { plan: { ...plan, steps: 2 + rests }, items, between });
  return difference([...one, ...times(idle, minutes.length * rests)], more, rests, items);
}

/** On top of the step that has it. */
export async function effectCost(world: CostWorld, effects: number): Promise<Cost> {
  const plan = { ...PLAN, steps: effects };
  return difference(await whole(world, { plan }), await whole(world, { plan: { ...plan, effects: true } }), effects);
}

/** A child of one step, whole, with what it is to its parent: on top of the parent's own steps. */
export async function childCost(world: CostWorld, children: number): Promise<Cost> {
  const plan = { ...PLAN, steps: 2 };
  const alone = await whole(world, { plan });
  const family = await world.cost(async () => {
    await world.client.enqueue(Research, { ...plan, children });
    // The parent's first step, its children one by one, and the parent again.
    for (let i = 0; i < children + 2; i++) {
      await world.work(1, { batch: 1, inlineSteps: 1 });
      world.pass(HOP_MS);
    }
  });
  return difference(alone, family, children);
}

/** A minute in which nothing is due. */
export async function idleCost(world: CostWorld): Promise<Cost> {
  return { bill: await world.cost(() => world.sweep()), measured: 1 };
}
