import { checkTableName } from "../arguments.js";
import { Code } from "../describe.js";
import { InvalidOptionError } from "../errors.js";
import { dynamoDBLeaseStore } from "./dynamodb/lease-store.js";
import { checkClient, type DynamoDBLike } from "./dynamodb/table.js";
import type { LeaseStore } from "./lease-store.js";
import { DEFAULT_TABLE_NAME } from "./schema.js";

/** Where the lease table is: in DynamoDB, by your client, or in memory. */
export type TableOptions = ClientOptions | GivenStoreOptions;

/** A table in DynamoDB. */
export interface ClientOptions {
  /** Your `DynamoDBClient` or `DynamoDBDocumentClient`. Its configuration is not changed. */
  client: DynamoDBLike;
  /**
   * The name or ARN of the lease table. Its partition key is `pk` (S), its sort key `sk` (S).
   * @default "incumbent"
   */
  tableName?: string | undefined;
  store?: undefined;
}

/** A table in memory. */
export interface GivenStoreOptions {
  /** A `MemoryTable` of `incumbent/testing`, for unit tests and simulations. */
  store: LeaseStore;
  client?: undefined;
  tableName?: undefined;
}

export function storeOf({ store, client, tableName }: TableOptions): LeaseStore {
  if (store !== undefined) {
    if (typeof store?.acquire !== "function")
      throw new InvalidOptionError(
        "store",
        "must be a MemoryTable or another store",
        store,
        new Code("new MemoryTable()"),
      );
    for (const [option, value] of Object.entries({ client, tableName })) {
      if (value !== undefined)
        throw new InvalidOptionError(option, "must be left out when there is a store", value, undefined);
    }
    return store;
  }
  checkClient(client);
  checkTableName("tableName", tableName ?? DEFAULT_TABLE_NAME, DEFAULT_TABLE_NAME);
  return dynamoDBLeaseStore(client, tableName ?? DEFAULT_TABLE_NAME);
}
