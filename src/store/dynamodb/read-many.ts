import { BatchGetItemCommand, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { backoffMs, sleep } from "../../async.js";
import { systemClock } from "../../clock.js";
import { MalformedLeaseError, SchemaVersionError } from "../../errors.js";
import type { Lease } from "../../protocol/lease.js";
import { secureRandom } from "../../random.js";
import { type Item, s } from "../attribute.js";
import { onePage } from "../row-pages.js";
import { LEASE_SORT_KEY, PARTITION_KEY, SORT_KEY } from "../schema.js";
import { isAccessDenied } from "./errors.js";
import { toLease } from "./lease-codec.js";
import { textOf } from "./row.js";
import type { DynamoDBTable, Send } from "./table.js";

/** Requests at a time, if each row must be read alone. */
const READERS = 8;
/** The longest wait before rows that the table left out are asked for again. */
const MAX_WAIT_MS = 500;

interface How {
  readonly consistent: boolean;
  readonly signal: AbortSignal;
}

/** Reads the lease rows of one page together, or each alone if the client's role allows that only. */
export class ReadMany {
  /** It stays so until the process ends: to ask first would double the requests. */
  #isBatchDenied = false;

  constructor(private readonly table: DynamoDBTable) {}

  /** Lease rows by election. Of a row that cannot be read nothing is said, so that it spoils no other one. */
  async read(send: Send, elections: readonly string[], how: How): Promise<ReadonlyMap<string, Lease>> {
    const names = onePage(elections);
    if (this.#isBatchDenied) return leasesOf(await this.#each(send, names, how));
    try {
      return leasesOf(await this.#together(send, names, how));
    } catch (error) {
      // A role that was made for an older version of this library lacks BatchGetItem, and has GetItem.
      if (!isAccessDenied(error)) throw error;
      const items = await this.#each(send, names, how);
      // Only now it is known that not all is denied.
      this.#isBatchDenied = true;
      return leasesOf(items);
    }
  }

  async #together(send: Send, names: readonly string[], how: How): Promise<Item[]> {
    const { consistent: ConsistentRead, signal } = how;
    const items: Item[] = [];
    let Keys = names.map((name): Item => ({ [PARTITION_KEY]: s(name), [SORT_KEY]: s(LEASE_SORT_KEY) }));
    for (let failures = 1; Keys.length > 0; failures++) {
      const RequestItems = { [this.table.name]: { Keys, ConsistentRead } };
      const { Responses = {}, UnprocessedKeys = {} } = await send(new BatchGetItemCommand({ RequestItems }));
      items.push(...(Object.values(Responses).flat() as Item[]));
      Keys = Object.values(UnprocessedKeys).flatMap(({ Keys: keys }) => (keys ?? []) as Item[]);
      if (Keys.length > 0) await sleep(systemClock, backoffMs(failures, MAX_WAIT_MS, secureRandom), signal);
    }
    return items;
  }

  async #each(send: Send, names: readonly string[], how: How): Promise<Item[]> {
    const items: Item[] = [];
    const left = names.values();
    const reader = async () => {
      for (const name of left) {
        how.signal.throwIfAborted();
        const row = this.table.rowOf(name, LEASE_SORT_KEY);
        const { Item: item } = await send(new GetItemCommand({ ...row, ConsistentRead: how.consistent }));
        if (item) items.push(item as Item);
      }
    };
    await Promise.all(Array.from({ length: READERS }, reader));
    return items;
  }
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
