/**
 * `npm run bench:cost`: what Rookery costs in one's own AWS account, measured by counting what is billed of the real
 * client and worker, on an emulator that it starts by itself. `-- --json` for JSON. Exit code 1 when a target is missed.
 */
import { parseArgs } from "node:util";
import { startEmulator } from "../localstack/emulator.ts";
import { findPython, installEmulator, PYTHON_WANTED } from "../localstack/install.ts";
import { NOTES, type Row, rowOf, tableOf } from "./cost/report.ts";
import {
  childCost,
  effectCost,
  idleCost,
  itemCost,
  longSleepCost,
  shortSleepCost,
  signalCost,
  stepCost,
} from "./cost/scenarios.ts";
import { type CostWorld, createCostWorld } from "./cost/world.ts";

/** The design's, for a state of 0.7 KB and a message at a time. */
const AT_MOST = { inline: 1, hop: 3.1, item: 6.2, itemWithKey: 7.5 } as const;

const USUAL = 716;
const SIZES = [
  { bytes: 205, name: "0.2 KB" },
  { bytes: USUAL, name: "0.7 KB" },
  { bytes: 10_240, name: "10 KB" },
  { bytes: 102_400, name: "100 KB" },
] as const;
/**
 * How often an item rests: what has a target, so often that the journal is sealed a few times, and not for so long that
 * the alarm of its enqueue, in 5 min, has to be moved.
 */
const SHAPES = [
  { of: "steps, 10 inline", inline: 10, rests: { target: 20, one: 6, ten: 3 }, atMost: AT_MOST.inline },
  { of: "steps, a hop each", inline: 1, rests: { target: 200, one: 40, ten: 10 }, atMost: AT_MOST.hop },
] as const;
const TOGETHER = 10;

async function* measure(world: CostWorld): AsyncGenerator<Row> {
  for (const { of, inline, rests, atMost } of SHAPES) {
    for (const { bytes, name } of SIZES) {
      for (const batch of [1, TOGETHER]) {
        const isTarget = bytes === USUAL && batch === 1;
        const often = isTarget ? rests.target : batch === 1 ? rests.one : rests.ten;
        const cost = await stepCost(world, { bytes, inline, batch, rests: often });
        yield rowOf(of, `${name}, batch of ${batch}`, cost, isTarget ? atMost : null);
      }
    }
  }
  const hop = await stepCost(world, { bytes: USUAL, inline: 1, batch: 1, rests: 12 });
  yield rowOf("items", "enqueue and end", await itemCost(world, hop, null), AT_MOST.item);
  yield rowOf("items", "the same, with a key", await itemCost(world, hop, "ferries"), AT_MOST.itemWithKey);
  yield rowOf("items", "sleep of 5 min", await shortSleepCost(world, TOGETHER, 6));
  yield rowOf("items", "sleep of a day", await longSleepCost(world, TOGETHER, 2));
  yield rowOf("items", "signal after an hour", await signalCost(world, TOGETHER, 2));
  yield rowOf("items", "effect", await effectCost(world, 12));
  yield rowOf("items", "child", await childCost(world, TOGETHER));
  yield rowOf("items", "a minute with no work", await idleCost(world));
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
  const python = await findPython();
  if (python === null) {
    process.stderr.write(`bench:cost needs ${PYTHON_WANTED} for its emulator of AWS\n`);
    return 1;
  }
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const emulator = await startEmulator(await installEmulator(python, say), { onCrash: say });
  const rows: Row[] = [];
  try {
    const world = await createCostWorld(emulator.endpoint);
    for await (const row of measure(world)) {
      rows.push(row);
      if (process.stderr.isTTY) say(`${row.of}: ${row.name}`);
    }
    await world.close();
  } finally {
    await emulator.stop();
  }
  process.stdout.write(values.json ? `${JSON.stringify({ notes: NOTES, rows }, null, 2)}\n` : `${tableOf(rows)}\n`);
  return rows.every(({ ok }) => ok) ? 0 : 1;
}

process.exitCode = await main();
