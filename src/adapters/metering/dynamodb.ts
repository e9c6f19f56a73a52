/**
 * What DynamoDB bills: what its answers say they consumed, table and indexes apart.
 *
 * Two answers do not say it, and are counted by the rules of its guide (read-write-operations): a failed condition takes
 * a write of the larger of the two items, the one that is there and the one that was to be; and a request without an
 * answer may have been carried out, so it counts as if it was. What was throttled or refused is not billed.
 *
 * MiniStack says that a read took one unit however much it read, so reads are counted by the rules as well, and the
 * larger number counts. With DynamoDB itself the two are the same. What it says of writes is by the rules.
 */
import {
  type Capacity,
  ConditionalCheckFailedException,
  type ConsumedCapacity,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import type { Attributes } from "../dynamodb/attributes.ts";
import { itemBytes } from "../dynamodb/size.ts";
import { TABLE } from "../dynamodb/table.ts";
import { type AttemptOf, watchAttempts } from "./attempts.ts";
import type { Ledger } from "./ledger.ts";

const WRITE_BYTES = 1_024;
const READ_BYTES = 4_096;
/** A read that may be stale costs half. */
const STALE = 0.5;

type Request = AttemptOf<DynamoDBClient>;
type Input = Request["input"];
type Output = NonNullable<Request["output"]>;

/** From now on its answers say what they consumed. */
export function watchDynamo(client: DynamoDBClient, ledger: Ledger): void {
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      (args) =>
        next(isCounted(commandName.replace(/Command$/, "")) ? { ...args, input: { ...args.input, ...ASKED } } : args),
    { step: "initialize", name: "rookeryAskForCapacity" },
  );
  watchAttempts(client, (request) => {
    if (isCounted(request.operation)) count(ledger, request);
  });
}
const ASKED = { ReturnConsumedCapacity: "INDEXES" } as const;
const READ = "Query";
/** Ours. */
function isCounted(operation: string): boolean {
  return operation === READ || operation === "PutItem" || operation === "DeleteItem";
}

/** Part of the table, and how many units of it. */
type Used = readonly [of: string, units: number];

function count(ledger: Ledger, request: Request): void {
  const whose = partitionOf(request.input);
  const unit = request.operation === READ ? "read" : "write";
  const used = unit === "read" ? usedByRead(request) : usedByWrite(request);
  for (const [of, units] of used) {
    if (units > 0) ledger.enter({ unit, of, count: units }, whose === null ? [] : [whose]);
  }
}
function usedByWrite(request: Request): readonly Used[] {
  return request.output === null ? [["table", failedWrite(request)]] : partsOf(consumedOf(request.output));
}
function usedByRead({ input, output }: Request): readonly Used[] {
  if (output === null) return [];
  const consumed = consumedOf(output);
  return [...partsOf(consumed), [whereRead(input), byRule(input, output) - unitsOf(consumed)]];
}

function consumedOf(output: Output): ConsumedCapacity | undefined {
  const consumed = "ConsumedCapacity" in output ? output.ConsumedCapacity : undefined;
  return consumed !== undefined && "CapacityUnits" in consumed ? consumed : undefined;
}
/** Parts of the table that it consumed something of. */
function partsOf(consumed: ConsumedCapacity | undefined): Used[] {
  if (consumed === undefined) return [];
  const { Table, GlobalSecondaryIndexes = {} } = consumed;
  const indexes = Object.entries(GlobalSecondaryIndexes).map(([name, used]) => [`index ${name}`, unitsOf(used)] as const);
  const table = Table === undefined ? unitsOf(consumed) - indexes.reduce((sum, [, units]) => sum + units, 0) : unitsOf(Table);
  return [["table", table], ...indexes];
}
function unitsOf(capacity: Capacity | undefined): number {
  return capacity?.CapacityUnits ?? 0;
}

/** Of a write that was not carried out, or of which nobody knows. */
function failedWrite({ input, error }: Request): number {
  const isMissed = error instanceof ConditionalCheckFailedException;
  if (!isMissed && hasAnswer(error)) return 0;
  const there = isMissed && error.Item !== undefined ? itemBytes(error.Item) : 0;
  return blocks(Math.max(there, itemBytes(writtenBy(input))), WRITE_BYTES);
}
function hasAnswer(error: unknown): boolean {
  if (!(error instanceof Error) || !("$metadata" in error)) return false;
  const { $metadata } = error;
  return (
    typeof $metadata === "object" && $metadata !== null && "httpStatusCode" in $metadata && $metadata.httpStatusCode !== undefined
  );
}
function writtenBy(input: Input): Attributes {
  return "Item" in input && input.Item !== undefined ? input.Item : {};
}

/** All that it read it returned: no query of ours filters. */
function byRule(input: Input, output: Output): number {
  const items = "Items" in output ? (output.Items ?? []) : [];
  const bytes = items.reduce((sum, item) => sum + itemBytes(item), 0);
  const consistent = "ConsistentRead" in input && input.ConsistentRead === true;
  return (consistent ? 1 : STALE) * blocks(bytes, READ_BYTES);
}
function whereRead(input: Input): string {
  return "IndexName" in input && input.IndexName !== undefined ? `index ${input.IndexName}` : "table";
}
/** Nothing takes one too. */
function blocks(bytes: number, of: number): number {
  return Math.max(1, Math.ceil(bytes / of));
}

const EQUALS = /^(#\w+) = (:\w+)/;

/** The partition whose items it reads or writes; null for an index's. */
function partitionOf(input: Input): string | null {
  if ("Item" in input) return input.Item?.[TABLE.partition]?.S ?? null;
  if ("Key" in input) return input.Key?.[TABLE.partition]?.S ?? null;
  if (!("KeyConditionExpression" in input) || input.IndexName !== undefined) return null;
  const [, name = "", value = ""] = EQUALS.exec(input.KeyConditionExpression ?? "") ?? [];
  if (input.ExpressionAttributeNames?.[name] !== TABLE.partition) return null;
  return input.ExpressionAttributeValues?.[value]?.S ?? null;
}
