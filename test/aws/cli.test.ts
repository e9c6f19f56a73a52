/** The command line as a process, with a stack: what works on one machine works there. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";
import { createMemoryLogger } from "../../src/adapters/memory/logger.ts";
import { createProcessTable } from "../../src/adapters/node/process-table.ts";
import { createAwsClient, createAwsWorld } from "../../src/aws.ts";
import { explain } from "../../src/cli/output/failure.ts";
import { invariant, StoreUnavailableError } from "../../src/domain/errors.ts";
import { itemPartition, parseNamespace, parseWorkId } from "../../src/domain/ids.ts";
import { writeDue } from "../../src/runtime/alarms.ts";
import { NO_METRICS } from "../../src/runtime/deps.ts";
import { readDue } from "../../src/runtime/live.ts";
import { type Answer, call, expectColumns, killStarted, ROOT, type Started, scratch, start, TROUBLE } from "../cli/support.ts";
import { endpoint } from "./clients.ts";
import { failing } from "./faulty-door.ts";
import { listenOnLoopback } from "./loopback.ts";
import { awsEnvironment, createDeployment, nameDeployment, type TestDeployment } from "./world.ts";

const ENGINES = ["--engines", TROUBLE, "--engines", join(ROOT, "test/cli/approvals.ts")];

const Item = z.object({ workId: z.string(), status: z.string(), version: z.number() });
const Checks = z.array(z.object({ name: z.string(), state: z.string(), found: z.string(), fix: z.string().nullable() }));
const Report = z.object({ healthy: z.boolean(), checks: Checks });

describe.skipIf(endpoint === null)("a stack on the command line", () => {
  const folder = scratch();
  let world: TestDeployment;
  let worker: Started;
  const begin = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): Started =>
    start(argv, { cwd: folder.path, env: { ...awsEnvironment, HOME: folder.path, ROOKERY_STACK: world.stack, ...env } });
  const rookery = (...argv: string[]): Promise<Answer> => begin(argv).ended;
  /** In this process: another one takes half a second to load the SDK. */
  const looked = (...argv: string[]): Promise<Answer> => call(argv, { cwd: folder.path, env: { ROOKERY_STACK: world.stack } });
  const well = async (answer: Promise<Answer>): Promise<string> => {
    const { code, stdout, stderr } = await answer;
    expect(code, stderr).toBe(0);
    return stdout;
  };
  const enqueued = async (...argv: string[]): Promise<string> => (await well(looked("enqueue", ...argv))).trim();

  beforeAll(async () => {
    for (const [name, value] of Object.entries(awsEnvironment)) vi.stubEnv(name, value);
    world = await createDeployment();
    worker = begin(["worker", "--processes", "1", ...ENGINES]);
  });
  afterAll(async () => {
    killStarted();
    await world.remove();
    folder.remove();
  });

  describe.concurrent("", () => {
    test("takes work from enqueue to its worker, and shows what became of it", async () => {
      const begun = rookery("enqueue", "trouble", '{"after":2,"how":"end"}', "--key", "mine", ...ENGINES);
      const id = (await well(begun)).trim();
      expect(await well(rookery("tail", id, "--json"))).toContain('"kind":"end"');
      const [status, list, events, artifact] = await Promise.all([
        well(looked("status", "trouble/mine", "--json")),
        well(looked("list", "--engine", "trouble")),
        well(looked("events", id)),
        well(looked("artifact", "show", id, "report 1.json")),
      ]);
      expect(Item.parse(JSON.parse(status))).toEqual({ workId: id, status: "completed", version: 3 });
      expect(list).toMatch(new RegExp(`^${id} +trouble +completed +v3 .* mine$`, "m"));
      expect(events).toMatch(/v3 +completed\n$/);
      expect(JSON.parse(artifact)).toEqual({ n: 1 });
      expect(worker.stderr()).toContain(`"stack":"${world.stack}"`);
    });

    test("sends a signal to what waits for it", async () => {
      const id = await enqueued("approvals", "{}", ...ENGINES);
      const tail = looked("tail", id);
      expect(await well(rookery("signal", id, "refused", '{"why":"no"}', ...ENGINES))).toBe(`signal refused sent to ${id}\n`);
      expect(await well(tail)).toMatch(/^May I\? .*Thank you\.\n$/s);
    });

    test("runs an item in a process of its own, and names the stack again where the flag named it", async () => {
      const another = { ROOKERY_STACK: "Another" };
      const result = await well(begin(["run", "counter", '{"upTo":3}', "--stack", world.stack], another).ended);
      expect(JSON.parse(result)).toEqual({ sum: 6 });
      await enqueued("counter", '{"upTo":1}', "--delay", "1h");
      const listed = await looked("list", "--limit", "1", "--stack", world.stack);
      expect(listed.stderr).toMatch(new RegExp(`^more with: rookery list --limit 1 --after \\S+ --stack ${world.stack}\n$`));
    });

    test("serves it over HTTP", async () => {
      const served = begin(["serve", "--port", "0"]);
      const url = /"url":"(http:[^"]+)","stack":"Test-/;
      await served.says(url);
      const [, base = ""] = url.exec(served.stderr()) ?? [];
      const body = JSON.stringify({ engine: "counter", payload: { upTo: 2 } });
      const made = await fetch(`${base}/items`, { method: "POST", body, headers: { "content-type": "application/json" } });
      expect(await made.json()).toMatchObject({ created: true });
      served.kill("SIGINT");
      expect((await served.ended).code).toBe(0);
    });

    test("sweeps what is due", async () => {
      const namespace = "swept";
      const id = await enqueued("counter", '{"upTo":1}', "--delay", "1h", "--namespace", namespace);
      await ring(world, namespace, id);
      const swept = await well(looked("sweep", "--json", "--namespace", namespace));
      expect(JSON.parse(swept)).toMatchObject({ looked: 1, failed: 0 });
    });

    test("is well, says the doctor, and what is not", async () => {
      const [good, bad] = await Promise.all([looked("doctor", "--json"), examineBroken()]);
      const { healthy, checks } = Report.parse(JSON.parse(good.stdout));
      expect(healthy, good.stdout).toBe(true);
      expect(checks.filter(({ state }) => state === "notice")).toMatchObject([
        { name: "backups", fix: expect.stringMatching(/^aws dynamodb update-continuous-backups --table-name rookery-/) },
      ]);
      expect(new Set(checks.map(({ name }) => name))).toEqual(
        new Set("node config engines access stack table indexes expiry backups queue bucket messages buried clock".split(" ")),
      );
      expect(bad.code).toBe(1);
      expect(bad.stdout).toMatch(/^WRONG {2}table +DescribeTable of gone: there is no such table/m);
      expect(bad.stdout).toMatch(/^WRONG {2}queue +GetQueueAttributes of gone: there is no such queue/m);
      expect(bad.stdout).toMatch(/^WRONG {2}bucket +HeadBucket of gone: there is no such bucket/m);
      expect(bad.stdout).toMatch(/^ +-> somebody deleted it: make it again/m);
      expect(bad.stdout).toMatch(/^ok {5}clock /m);
      expectColumns(bad.stdout.replaceAll(/\S{60,}/g, ""));
    });
    async function examineBroken(): Promise<Answer> {
      const { deployment } = world;
      const gone = deployment.queues.normal.replace(/[^/]+$/, "gone");
      const broken = await nameDeployment({ ...deployment, table: "gone", bucket: "gone", queues: { normal: gone } });
      const answer = await looked("doctor", "--stack", broken.stack);
      await broken.remove();
      return answer;
    }

    test("that is not there is named, with the region, by workers too", async () => {
      const says = /^rookery: no stack "Nowhere" .* in region us-east-1\n {2}hint: is it deployed/m;
      const answers = await Promise.all([looked("list", "--stack", "Nowhere"), rookery("worker", "--stack", "Nowhere")]);
      for (const answer of answers) expect(answer).toMatchObject({ code: 3, stdout: "", stderr: expect.stringMatching(says) });
    });

    test("is given up after some 9 s where nobody answers", async () => {
      let asked = 0;
      const silent = await listenOnLoopback(() => {
        asked += 1;
      });
      const place = { endpoint: silent.endpoint, region: REGION, credentials: CREDENTIALS };
      const { error, tookMs } = await failing(() => createAwsClient({ stack: "Mute", ...place }));
      await silent.close();
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(explain(error)).toMatchObject({
        exit: 1,
        message: expect.stringMatching(/^GetParameter of \/rookery\/Mute\/deployment in region us-east-1: no answer in time/),
        hint: expect.stringContaining("is there a network"),
      });
      expect({ asked, soon: tookMs < 20_000 }).toEqual({ asked: 3, soon: true });
    });
  });

  test("lets its worker go", async () => {
    worker.kill("SIGTERM");
    expect((await worker.ended).code).toBe(0);
  });
});

/** As if the time had come. */
async function ring({ deployment }: TestDeployment, namespace: string, id: string): Promise<void> {
  invariant(endpoint !== null, "there is an emulator");
  const { deps, close } = createAwsWorld({
    deployment,
    namespace,
    place: { endpoint, region: REGION, credentials: CREDENTIALS },
    logger: createMemoryLogger(),
    metrics: NO_METRICS,
    processes: createProcessTable(),
    settings: {},
  });
  const partition = itemPartition(parseNamespace(namespace), parseWorkId(id));
  const { due, revision } = await readDue(deps, partition);
  invariant(due !== null, "it has an alarm");
  expect(await writeDue(deps, partition, { ...due, atMs: 1 }, revision)).toMatchObject({ ok: true });
  close();
}
