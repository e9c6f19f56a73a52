/** Query, page by page: DynamoDB ends a page at 1 MB, whatever the limit. */
import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from "@aws-sdk/client-dynamodb";
import type { Attributes } from "./attributes.ts";
import { answered } from "./errors.ts";

export interface Slice {
  readonly items: readonly Attributes[];
  /** Where to go on; null when there is nothing further. */
  readonly next: Attributes | null;
}

/** One page. */
export async function querySlice(
  client: DynamoDBClient,
  input: QueryCommandInput & { readonly TableName: string },
  after: Attributes | null,
): Promise<Slice> {
  const command = new QueryCommand(after === null ? input : { ...input, ExclusiveStartKey: after });
  const { Items, LastEvaluatedKey } = await answered("Query", input.TableName, () => client.send(command));
  return { items: Items ?? [], next: LastEvaluatedKey ?? null };
}

/** The first `limit` items, or all there are. */
export async function query(
  client: DynamoDBClient,
  input: QueryCommandInput & { readonly TableName: string },
  limit: number | undefined,
): Promise<readonly Attributes[]> {
  const items: Attributes[] = [];
  for (let next: Attributes | null = null; limit === undefined || items.length < limit; ) {
    const bounded = limit === undefined ? input : { ...input, Limit: limit - items.length };
    const slice: Slice = await querySlice(client, bounded, next);
    items.push(...slice.items);
    next = slice.next;
    if (next === null) break;
  }
  return items;
}
