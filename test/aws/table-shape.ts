/** The shape of a table that the DynamoDB store works with, as the infrastructure makes it. */
import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { TABLE } from "../../src/adapters/dynamodb/table.ts";

const { due, list } = TABLE;
const KEYS_ONLY = { ProjectionType: "KEYS_ONLY" } as const;
const keys = (hash: string, range: string) => [
  { AttributeName: hash, KeyType: "HASH" as const },
  { AttributeName: range, KeyType: "RANGE" as const },
];

export function tableInput(TableName: string): CreateTableCommandInput & { readonly TableName: string } {
  return {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      ...[TABLE.partition, TABLE.sort, list.group, list.at].map((name) => ({
        AttributeName: name,
        AttributeType: "S" as const,
      })),
      ...[due.shard, due.at].map((name) => ({ AttributeName: name, AttributeType: "N" as const })),
    ],
    KeySchema: keys(TABLE.partition, TABLE.sort),
    GlobalSecondaryIndexes: [
      { IndexName: due.index, KeySchema: keys(due.shard, due.at), Projection: KEYS_ONLY },
      { IndexName: list.index, KeySchema: keys(list.group, list.at), Projection: KEYS_ONLY },
    ],
  };
}
