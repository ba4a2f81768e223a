import { notAllowed } from "../describe.js";
import { InvalidOptionError } from "../errors.js";
import { TABLE_CHARACTER, TABLE_PATTERN } from "../limits.js";
import { dynamoDBLeaseStore } from "./dynamodb/lease-store.js";
import type { DynamoDBLike } from "./dynamodb/table.js";
import type { LeaseStore } from "./lease-store.js";
import { DEFAULT_TABLE_NAME } from "./schema.js";

/** Where the lease table is: with a client of your own, or in a store that is given as a whole. */
export type TableOptions = ClientOptions | GivenStoreOptions;

export interface ClientOptions {
  /** Your own `DynamoDBClient` or `DynamoDBDocumentClient`; its configuration is left alone. */
  client: DynamoDBLike;
  /** The lease table: partition key `pk` (S), sort key `sk` (S). @default "incumbent" */
  tableName?: string | undefined;
  store?: undefined;
}

export interface GivenStoreOptions {
  /** A `MemoryTable`, in unit tests and simulations. */
  store: LeaseStore;
  client?: undefined;
  tableName?: undefined;
}

export function storeOf({ store, client, tableName }: TableOptions): LeaseStore {
  if (store !== undefined) {
    if (typeof store?.acquire !== "function")
      throw new InvalidOptionError("store", "must be a MemoryTable, or another store", store, undefined);
    for (const [option, value] of Object.entries({ client, tableName })) {
      if (value !== undefined)
        throw new InvalidOptionError(option, "must be left out beside a store", value, undefined);
    }
    return store;
  }
  if (typeof client?.send !== "function") {
    throw new InvalidOptionError(
      "client",
      "must be a DynamoDBClient or DynamoDBDocumentClient",
      client,
      "new DynamoDBClient({})",
    );
  }
  checkTableName(tableName ?? DEFAULT_TABLE_NAME);
  return dynamoDBLeaseStore(client, tableName ?? DEFAULT_TABLE_NAME);
}

/** Also guards what commands read and make by themselves. */
export function checkTableName(tableName: unknown): void {
  if (typeof tableName === "string" && TABLE_PATTERN.test(tableName)) return;
  throw new InvalidOptionError(
    "tableName",
    `must be a table's name (3 to 255 of A-Z a-z 0-9 _ . -) or ARN${notAllowed(tableName, TABLE_CHARACTER)}`,
    tableName,
    DEFAULT_TABLE_NAME,
  );
}
