/** The parts of a deployment, each compared with what the construct makes. */
import { TABLE } from "../../adapters/dynamodb/table.ts";
import type { AwsExaminer, QueueFacts } from "../../adapters/examine/aws.ts";
import { LANES } from "../../domain/lane.ts";
import { SECOND_MS } from "../../domain/limits.ts";
import type { Deployment } from "../../wire/deployment.ts";
import { bytesText, digits } from "../output/item.ts";
import { duration } from "../output/time.ts";
import { type Check, notice, ok, wrong } from "./check.ts";

export type NamedCheck = readonly [name: string, check: () => Promise<Check>];

export const REDEPLOY = "deploy the stack again (cdk deploy); CloudFormation's events say what became of it";
/** Every hide counts as a receive, so a worker that is busy for hours is received often. */
const LEAST_RECEIVES = 100;

export function tableChecks(examiner: AwsExaminer, { table }: Deployment): NamedCheck[] {
  return [
    ["table", () => checkTable(examiner, table)],
    ["indexes", () => checkIndexes(examiner, table)],
    ["expiry", () => checkExpiry(examiner, table)],
    ["backups", () => checkBackups(examiner, table)],
  ];
}

async function checkTable(examiner: AwsExaminer, table: string): Promise<Check> {
  const facts = await examiner.table(table);
  const { status, billing, keys, items, bytes } = facts;
  const size = `about ${digits(items)} records, ${bytesText(bytes)}`;
  const found = `${table}: ${status.toLowerCase()}, ${billing === "PAY_PER_REQUEST" ? "on demand" : "provisioned"}, ${size}`;
  const data = { ...facts };
  if (!isSame(keys, [TABLE.partition, TABLE.sort]))
    return wrong("table", `${table} has the keys ${keys.join(", ")}: it is none of ours`, REDEPLOY, data);
  const works = status === "ACTIVE" || status === "UPDATING";
  return works ? ok("table", found, data) : wrong("table", found, "wait until it is active", data);
}

const INDEXES = [
  { name: TABLE.due.index, keys: [TABLE.due.shard, TABLE.due.at] },
  { name: TABLE.list.index, keys: [TABLE.list.group, TABLE.list.at] },
];

async function checkIndexes(examiner: AwsExaminer, table: string): Promise<Check> {
  const { indexes } = await examiner.table(table);
  for (const { name, keys } of INDEXES) {
    const index = indexes.find((one) => one.name === name);
    if (index === undefined) return wrong("indexes", `${table} has no index ${name}`, REDEPLOY, { indexes });
    if (!isSame(index.keys, keys))
      return wrong("indexes", `index ${name} has the keys ${index.keys.join(", ")}`, REDEPLOY, { indexes });
    if (index.status !== "ACTIVE" && index.status !== "UPDATING")
      return wrong("indexes", `index ${name} is ${index.status.toLowerCase()}`, "wait until it is active", { indexes });
  }
  return ok("indexes", INDEXES.map(({ name }) => name).join(", "), { indexes });
}
function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.join() === others.join();
}

async function checkExpiry(examiner: AwsExaminer, table: string): Promise<Check> {
  const attribute = await examiner.timeToLive(table);
  if (attribute === TABLE.expires) return ok("expiry", `by attribute ${attribute}`, { attribute });
  const found =
    attribute === null ? "records that have expired are never deleted" : `by attribute ${attribute}, which is not ours`;
  const specification = `Enabled=true,AttributeName=${TABLE.expires}`;
  const fix = `aws dynamodb update-time-to-live --table-name ${table} --time-to-live-specification ${specification}`;
  return wrong("expiry", found, fix, { attribute });
}

async function checkBackups(examiner: AwsExaminer, table: string): Promise<Check> {
  if (await examiner.recovers(table)) return ok("backups", "point-in-time recovery is on", { recovers: true });
  const specification = "PointInTimeRecoveryEnabled=true";
  const fix = `aws dynamodb update-continuous-backups --table-name ${table} --point-in-time-recovery-specification ${specification}`;
  return notice("backups", "point-in-time recovery is off", fix, { recovers: false });
}

export function queueChecks(examiner: AwsExaminer, { queues, deadLetters }: Deployment): NamedCheck[] {
  const dead = nameOf(deadLetters);
  const lanes = LANES.flatMap((lane): NamedCheck[] => {
    const url = queues[lane];
    return url === undefined ? [] : [["queue", async () => judge(`${nameOf(url)} (${lane})`, await examiner.queue(url), dead)]];
  });
  return [...lanes, ["queue", async () => ok("queue", `${dead} (dead letters): ${keptText(await examiner.queue(deadLetters))}`)]];
}

function judge(name: string, facts: QueueFacts, deadLetters: string): Check {
  const { redrive } = facts;
  const data = { name, ...facts };
  const hidden = `hidden for ${duration(facts.visibilityS * SECOND_MS)}, ${keptText(facts)}`;
  if (redrive === null) return wrong("queue", `${name}: what nobody can handle is received for ever`, REDEPLOY, data);
  if (redrive.queue !== deadLetters)
    return wrong("queue", `${name}: its dead letters go to ${redrive.queue}, where nobody looks`, REDEPLOY, data);
  const found = `${name}: ${hidden}, buried after ${redrive.maxReceiveCount} receives`;
  if (redrive.maxReceiveCount >= LEAST_RECEIVES) return ok("queue", found, data);
  return wrong("queue", found, `a step that takes long is received often: at least ${LEAST_RECEIVES}. ${REDEPLOY}`, data);
}
function keptText({ retentionS }: QueueFacts): string {
  return `kept for ${duration(retentionS * SECOND_MS)}`;
}
function nameOf(queueUrl: string): string {
  return queueUrl.slice(queueUrl.lastIndexOf("/") + 1);
}

export function bucketCheck(examiner: AwsExaminer, { bucket }: Deployment): NamedCheck {
  return [
    "bucket",
    async () => {
      await examiner.bucket(bucket);
      return ok("bucket", bucket, { bucket });
    },
  ];
}
