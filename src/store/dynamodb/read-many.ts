import { BatchGetItemCommand, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { backoffMs, sleep } from "../../async.js";
import { systemClock } from "../../clock.js";
import { MalformedLeaseError, SchemaVersionError } from "../../errors.js";
import type { Lease } from "../../protocol/lease.js";
import { secureRandom } from "../../random.js";
import { type Item, s } from "../attribute.js";
import { LEASE_SORT_KEY, PARTITION_KEY, SORT_KEY } from "../schema.js";
import { isAccessDenied } from "./errors.js";
import { toLease } from "./lease-codec.js";
import { textOf } from "./row.js";
import type { DynamoDBTable, Send } from "./table.js";

/** DynamoDB takes so many keys in one request. */
const KEYS_A_PAGE = 100;
/** Requests at a time, if each row must be read alone. */
const READERS = 8;
/** The longest wait before rows that the table left out are asked for again. */
const MAX_WAIT_MS = 500;

interface How {
  readonly consistent: boolean;
  readonly signal: AbortSignal;
}

/** Lease rows by election. Of a row that cannot be read nothing is said, so that it spoils no other one. */
export async function readMany(
  send: Send,
  table: DynamoDBTable,
  elections: readonly string[],
  how: How,
): Promise<ReadonlyMap<string, Lease>> {
  const names = [...new Set(elections)];
  try {
    return leasesOf(await readPages(send, table, names, how));
  } catch (error) {
    // A role that was made for an older version of this library lacks BatchGetItem, and has GetItem.
    if (!isAccessDenied(error)) throw error;
    return leasesOf(await readEach(send, table, names, how));
  }
}

async function readPages(send: Send, table: DynamoDBTable, names: readonly string[], how: How) {
  const { consistent: ConsistentRead, signal } = how;
  const items: Item[] = [];
  let left = names.map((name): Item => ({ [PARTITION_KEY]: s(name), [SORT_KEY]: s(LEASE_SORT_KEY) }));
  for (let failures = 0; left.length > 0; ) {
    const Keys = left.slice(0, KEYS_A_PAGE);
    const command = new BatchGetItemCommand({ RequestItems: { [table.name]: { Keys, ConsistentRead } } });
    const { Responses = {}, UnprocessedKeys = {} } = await send(command);
    items.push(...(Object.values(Responses).flat() as Item[]));
    const unread = Object.values(UnprocessedKeys).flatMap(({ Keys: keys }) => (keys ?? []) as Item[]);
    left = [...unread, ...left.slice(KEYS_A_PAGE)];
    failures = unread.length === 0 ? 0 : failures + 1;
    if (failures > 0) await sleep(systemClock, backoffMs(failures, MAX_WAIT_MS, secureRandom), signal);
  }
  return items;
}

async function readEach(send: Send, table: DynamoDBTable, names: readonly string[], how: How) {
  const items: Item[] = [];
  const left = names.values();
  const reader = async () => {
    for (const name of left) {
      how.signal.throwIfAborted();
      const row = table.rowOf(name, LEASE_SORT_KEY);
      const { Item: item } = await send(new GetItemCommand({ ...row, ConsistentRead: how.consistent }));
      if (item) items.push(item as Item);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return items;
}

function leasesOf(items: readonly Item[]): ReadonlyMap<string, Lease> {
  return new Map(items.flatMap(leaseOf));
}

function leaseOf(item: Item): Array<[string, Lease]> {
  const name = textOf(item[PARTITION_KEY]) ?? "";
  try {
    return [[name, toLease(name, item)]];
  } catch (error) {
    if (error instanceof MalformedLeaseError || error instanceof SchemaVersionError) return [];
    throw error;
  }
}
