/** The deployed handlers, with the processes that run them killed: an outside ledger agrees with what is on record. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";
import { type AwsClient, createAwsClient } from "../../src/aws.ts";
import { type Execution, tough } from "../crash/engines.ts";
import { expectCounted, expectInOrder, whoRanOn } from "../crash/ledger.ts";
import { isAlive, kill } from "../crash/support.ts";
import { endpoint } from "./clients.ts";
import { type Deployed, deployApp } from "./deployed.ts";
import { eventually } from "./look.ts";
import { patientOf } from "./patient.ts";

const APP = join(import.meta.dirname, "app/short-leases.ts");
const SOAK = process.env["ROOKERY_SOAK"] === "1";
const ITEMS = SOAK ? 200 : 20;
const STEPS = 8;
const STEP_MS = 200;
const KILL_EVERY_MS = 1_500;
const MOST_KILLS = SOAK ? 60 : 6;
const LONG_MS = 200_000 * (SOAK ? 10 : 1);

describe.skipIf(endpoint === null)("functions on the emulator", { timeout: LONG_MS }, () => {
  const folder = mkdtempSync(join(tmpdir(), "rookery-kills-"));
  const ledger = join(folder, "ledger.jsonl");
  let app: Deployed;
  let client: AwsClient;
  beforeAll(async () => {
    app = await deployApp(APP);
    const where = { stack: app.stack, endpoint: endpoint ?? "", region: REGION, credentials: CREDENTIALS };
    client = patientOf(await createAwsClient({ ...where, settings: { patienceMs: 30_000 } }));
  }, LONG_MS);
  afterAll(async () => {
    client?.close();
    await app?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  const executions = (): Execution[] =>
    existsSync(ledger)
      ? readFileSync(ledger, "utf8")
          .trimEnd()
          .split("\n")
          .map((line): Execution => JSON.parse(line))
      : [];
  const haveEnded = async (ids: readonly string[]): Promise<boolean> => {
    for (const id of ids) if ((await client.status(id)).endedAtMs === null) return false;
    return true;
  };

  test("are killed at their work, and it goes on from the last saved step", async () => {
    const payload = { ledger, steps: STEPS, stepMs: STEP_MS };
    const sent = await Promise.all(Array.from({ length: ITEMS }, () => client.enqueue(tough, payload)));
    const ids = sent.map(({ workId }) => workId);
    let kills = 0;
    await eventually(
      async () => {
        const ran = [...whoRanOn(executions())].filter(isAlive);
        const pid = ran[Math.floor(Math.random() * ran.length)];
        if (pid !== undefined && kills < MOST_KILLS && !(await haveEnded(ids))) {
          kill(pid, "SIGKILL");
          kills += 1;
        }
        expect(await haveEnded(ids)).toBe(true);
      },
      LONG_MS,
      KILL_EVERY_MS,
    );
    const ledgerOf = Map.groupBy(executions(), ({ workId }) => workId);
    for (const id of ids) {
      expect(await client.result(tough, id, { timeoutMs: 0 })).toEqual({ status: "completed", result: STEPS });
      const mine = ledgerOf.get(id) ?? [];
      expectInOrder(mine);
      expectCounted(STEPS, mine, await Array.fromAsync(client.events(id)));
    }
    expect(kills).toBeGreaterThan(1);
    expect(executions().length).toBeGreaterThan(ITEMS * STEPS);
  });
});
