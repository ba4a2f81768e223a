import { InvalidOptionError } from "./errors.js";
import { DynamoDBLeaseStore } from "./store/dynamodb.js";
import type { DynamoDBLike } from "./store/dynamodb-table.js";
import type { LeaseStore } from "./store/lease-store.js";
import { DEFAULT_TABLE_NAME } from "./store/schema.js";

/** Where the lease table is. */
export interface StoreOptions {
  /** Your own `DynamoDBClient` or `DynamoDBDocumentClient`; its configuration is left alone. */
  client?: DynamoDBLike | undefined;
  /** The lease table: partition key `pk` (S), sort key `sk` (S). @default "incumbent" */
  tableName?: string | undefined;
  /** Instead of `client` and `tableName`: a `MemoryTable` in unit tests and simulations. */
  store?: LeaseStore | undefined;
}

export function storeOf({ store, client, tableName = DEFAULT_TABLE_NAME }: StoreOptions): LeaseStore {
  if (store) return store;
  if (typeof client?.send !== "function") {
    throw new InvalidOptionError(
      "client",
      "must be a DynamoDBClient or DynamoDBDocumentClient",
      client,
      "new DynamoDBClient({})",
    );
  }
  if (typeof tableName !== "string" || !/^[A-Za-z0-9_.:/-]{3,1024}$/.test(tableName)) {
    throw new InvalidOptionError(
      "tableName",
      "must be a table's name (3 to 255 of A-Z a-z 0-9 _ . -) or ARN",
      tableName,
      DEFAULT_TABLE_NAME,
    );
  }
  return new DynamoDBLeaseStore(client, tableName);
}
