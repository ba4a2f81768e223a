import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { s } from "../src/store/attribute.js";
import { all, asSeen, conditionExpression, noHolder, notPaused } from "../src/store/dynamodb/conditions.js";
import { storeError } from "../src/store/dynamodb/errors.js";
import {
  CANDIDATE_SORT_KEY_PREFIX,
  PARTITION_KEY,
  SORT_KEY,
  TERM_SORT_KEY_PREFIX,
  TTL_ATTRIBUTE,
} from "../src/store/schema.js";
import type { RowAt } from "../src/views/table-reader.js";

/** Deletes old rows of tables without a TTL, such as multi-Region strongly consistent tables. */

/** Requests under way at the same time. */
const AT_ONCE = 10;
/** Rows in one run, so that they fit into the function's memory and time. The next run goes on. */
export const MAX_PRUNED = 10_000;

/**
 * Whether it is a candidate's row, a history row, the lease row of an unused name, or a session's row, whose `ttl` (seconds
 * since the epoch) has passed. A session that lives raises its `ttl` with each heartbeat. Never true for a lease that somebody holds, or for a kind of row that this version does not know. Pure.
 */
export function isExpired(row: RowAt): boolean {
  const { sortKey, ttl, atMs } = row;
  const isBeside = [TERM_SORT_KEY_PREFIX, CANDIDATE_SORT_KEY_PREFIX].some((prefix) =>
    sortKey.startsWith(prefix),
  );
  if (!isBeside && !isUnusedLease(row) && row.kind !== "session") return false;
  // Without a number it is not known whether it has expired.
  return ttl !== undefined && ttl * 1_000 <= atMs;
}

function isUnusedLease(row: RowAt): boolean {
  return row.kind === "lease" && row.lease.kind === "vacant";
}

/**
 * Deletes these rows, each only if its `ttl` is still the one that was read, and a lease only if nobody has used it since. Returns the number of deleted rows. `signal`
 * ends it between two rows, and it rejects with the signal's reason. The next run goes on.
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

async function remove(client: DynamoDBClient, TableName: string, row: RowAt): Promise<boolean> {
  const { partition, sortKey, ttl } = row;
  const unchanged = asSeen(TTL_ATTRIBUTE, ttl);
  try {
    await client.send(
      new DeleteItemCommand({
        TableName,
        Key: { [PARTITION_KEY]: s(partition), [SORT_KEY]: s(sortKey) },
        ...conditionExpression(isUnusedLease(row) ? all(unchanged, noHolder, notPaused) : unchanged),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw storeError(error, TableName, "prune a row");
  }
}
