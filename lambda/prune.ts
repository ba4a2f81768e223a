import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { n, s } from "../src/store/attribute.js";
import { asSeen, conditionExpression } from "../src/store/dynamodb/conditions.js";
import { storeError } from "../src/store/dynamodb/errors.js";
import {
  CANDIDATE_SORT_KEY_PREFIX,
  PARTITION_KEY,
  SORT_KEY,
  TERM_SORT_KEY_PREFIX,
  TTL_ATTRIBUTE,
} from "../src/store/schema.js";
import type { RowAt } from "../src/views/table-reader.js";

/** For tables without a time to live of their own, such as multi-Region strongly consistent ones. */

/** Requests in flight at once. */
const AT_ONCE = 10;
/** Rows in one run: they fit into the function's memory and time, and the next run goes on. */
export const MAX_PRUNED = 10_000;

/**
 * Candidates and history past their `ttl` (epoch seconds). Never a lease row, whatever it carries, and no kind
 * of row that this version does not know. Pure.
 */
export function isExpired({ sortKey, ttl, atMs }: RowAt): boolean {
  if (![TERM_SORT_KEY_PREFIX, CANDIDATE_SORT_KEY_PREFIX].some((prefix) => sortKey.startsWith(prefix)))
    return false;
  // Not a number: not known to have expired.
  return ttl !== undefined && ttl * 1_000 <= atMs;
}

/**
 * Deletes these rows, each only while its `ttl` is still the one that was seen: a row that was prolonged
 * meanwhile stays. Returns how many were deleted. `signal` ends it between rows, with its reason; the next run goes on.
 */
export async function pruneRows(
  client: DynamoDBClient,
  tableName: string,
  rows: readonly RowAt[],
  signal: AbortSignal,
): Promise<number> {
  const waiting = rows.filter(isExpired);
  let pruned = 0;
  const worker = async () => {
    for (let next = waiting.pop(); next && !signal.aborted; next = waiting.pop()) {
      if (await remove(client, tableName, next)) pruned += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  signal.throwIfAborted();
  return pruned;
}

async function remove(
  client: DynamoDBClient,
  TableName: string,
  { partition, sortKey, ttl }: RowAt,
): Promise<boolean> {
  try {
    await client.send(
      new DeleteItemCommand({
        TableName,
        Key: { [PARTITION_KEY]: s(partition), [SORT_KEY]: s(sortKey) },
        ...conditionExpression(asSeen(TTL_ATTRIBUTE, ttl === undefined ? undefined : n(ttl))),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw storeError(error, TableName, "prune a row");
  }
}
