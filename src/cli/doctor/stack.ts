/** A stack in AWS: who asks, whether all parts are there and shaped as they must be, what waits in them, and the clock. */
import type { AwsExaminer } from "../../adapters/examine/aws.ts";
import { endpointFromEnvironment } from "../../adapters/node/aws-environment.ts";
import type { AwsClient } from "../../aws.ts";
import { messageOf } from "../../domain/errors.ts";
import { LEASE_DURATION_MS, SECOND_MS } from "../../domain/limits.ts";
import { deploymentParameter } from "../../wire/deployment.ts";
import type { Cli } from "../cli.ts";
import { isRefusedByAws } from "../output/aws-hint.ts";
import { duration } from "../output/time.ts";
import { loadAws } from "../store.ts";
import { type Check, notice, ok, wrong } from "./check.ts";
import { failing } from "./setup.ts";
import { bucketCheck, queueChecks, REDEPLOY, tableChecks } from "./stack-parts.ts";

/** So much a clock may be off before anybody should know. */
const OFF_MS = 5 * SECOND_MS;
const LETTERS = 100;
const GONE = "somebody deleted it: make it again by its name (a table from its backup), or deploy a new stack";
const AGAIN = `try again; if it stays so, ${REDEPLOY}`;
const REASONS = 3;

export async function checkStack(cli: Cli, stack: string): Promise<Check[]> {
  try {
    await loadAws();
  } catch (thrown) {
    return [failing("sdk", thrown, "install the AWS SDK")];
  }
  const { createAwsExaminer } = await import("../../adapters/examine/aws.ts");
  let endpoint: string | null;
  try {
    endpoint = endpointFromEnvironment();
  } catch (thrown) {
    return [failing("access", thrown, "mend AWS_ENDPOINT_URL, or unset it for AWS itself")];
  }
  const examiner = createAwsExaminer(endpoint);
  try {
    const access = await guarded("access", () => checkAccess(examiner, endpoint));
    return access.state === "wrong" ? [access] : [access, ...(await checkDeployed(cli, stack, examiner))];
  } finally {
    examiner.close();
  }
}

async function checkDeployed(cli: Cli, stack: string, examiner: AwsExaminer): Promise<Check[]> {
  let client: AwsClient;
  try {
    const opened = await cli.opened();
    if (opened.kind !== "stack") return [];
    client = opened.store;
  } catch (thrown) {
    return [failing("stack", thrown, "is the network up, and did the stack deploy without an error?")];
  }
  const { deployment, namespace } = client;
  const found = ok("stack", `${stack}, by ${deploymentParameter(stack)}; namespace ${namespace}`, { ...deployment });
  const parts = [...tableChecks(examiner, deployment), ...queueChecks(examiner, deployment), bucketCheck(examiner, deployment)];
  const checks = await Promise.all([
    ...parts.map(([name, check]) => guarded(name, check)),
    guarded("messages", () => checkMessages(client)),
    guarded("buried", () => checkBuried(client)),
    guarded("clock", () => checkClock(examiner, stack)),
  ]);
  return [found, ...checks];
}

/** What these credentials may not look at may well be in order. */
async function guarded(name: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (thrown) {
    const check = failing(name, thrown, /there is no such/.test(messageOf(thrown)) ? GONE : AGAIN);
    return isRefusedByAws(thrown) ? { ...check, state: "notice", found: `not looked at: ${check.found}` } : check;
  }
}

async function checkAccess(examiner: AwsExaminer, endpoint: string | null): Promise<Check> {
  const { region, accessKeyId } = await examiner.access();
  const at = endpoint === null ? "" : `, at ${endpoint} (AWS_ENDPOINT_URL)`;
  return ok("access", `region ${region}, access key ${accessKeyId}${at}`, { region, accessKeyId, endpoint });
}

async function checkMessages(client: AwsClient): Promise<Check> {
  const counts = await client.countMessages();
  const { visible, delayed, inFlight, buried } = counts;
  const found = `about ${visible} waiting, ${delayed} delayed, ${inFlight} in flight, ${buried} in the dead-letter queue`;
  return ok("messages", found, { ...counts });
}

async function checkBuried(client: AwsClient): Promise<Check> {
  const letters = await client.buried(LETTERS);
  if (letters.length === 0) return ok("buried", "none", { count: 0 });
  const reasons = [...new Set(letters.map(({ reason }) => reason))].slice(0, REASONS);
  const count = `${letters.length}${letters.length < LETTERS ? "" : " or more"}`;
  const fix = `nobody could read or handle them; items go on without them. Reasons: ${reasons.join("; ")}`;
  return notice("buried", `${count} in the last 14 days`, fix, { count: letters.length, reasons });
}

/** Workers here and functions there judge each other's leases by their own clocks. */
async function checkClock(examiner: AwsExaminer, stack: string): Promise<Check> {
  const aheadMs = await examiner.clockAheadMs(deploymentParameter(stack), Date.now);
  const now = new Date().toISOString();
  if (aheadMs === null) return notice("clock", `it says ${now}; AWS did not say`, "compare it with another one", { now });
  const off = Math.abs(aheadMs);
  const data = { now, aheadMs };
  if (off < OFF_MS) return ok("clock", `${now}, as AWS's to a second or two`, data);
  const found = `${duration(off)} ${aheadMs > 0 ? "ahead of" : "behind"} AWS's`;
  const fix = "set the clock of this machine: leases are judged by it";
  return off < LEASE_DURATION_MS ? notice("clock", found, fix, data) : wrong("clock", found, fix, data);
}
