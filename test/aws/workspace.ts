import { randomBytes } from "node:crypto";
import { DeleteItemCommand, type DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";
import { createLeaseTable } from "../../src/testing/index.js";
import { describe, newTableName, removeTable, timeOf, unfitness } from "./run-table.js";

/** Where a run works: a table of its own, or rows of its own in a table that is there. */
export interface Workspace {
  readonly tableName: string;
  /** Begins each election's name, and each other partition key. */
  readonly prefix: string;
  /** In a table that is there, only rows are removed. */
  readonly ownTable: boolean;
}

/** A table that the person who started this named. */
export interface GivenTable {
  readonly name: string;
  /** Whether it may have multi-Region strong consistency. */
  readonly strong: boolean;
}

/** No election of anybody else is named so. */
const ROWS = /^verify-\d{8}T\d{6}Z-[0-9a-f]{6}\//;
const AT_ONCE = 10;

export function newWorkspace(given: GivenTable | undefined): Workspace {
  if (!given) return { tableName: newTableName(), prefix: "verify/", ownTable: true };
  const time = timeOf(new Date());
  const prefix = `verify-${time}-${randomBytes(3).toString("hex")}/`;
  return { tableName: given.name, prefix, ownTable: false };
}

/** @returns the account's id, and whether the table takes transactions. */
export async function open(
  client: DynamoDBClient,
  { tableName, ownTable }: Workspace,
  strong = false,
): Promise<{ account: string | undefined; transactions: boolean }> {
  if (ownTable) await createLeaseTable(client, tableName);
  const table = await describe(client, tableName);
  const unfit = unfitness(table, strong);
  if (unfit !== undefined) throw new Error(`The table ${tableName} cannot be used: ${unfit}.`);
  return { account: table.TableArn?.split(":")[4], transactions: table.MultiRegionConsistency !== "STRONG" };
}

/** @returns whether nothing of it is left. */
export async function remove(
  client: DynamoDBClient,
  { tableName, prefix, ownTable }: Workspace,
  options: { withinMs: number; mayCome?: boolean },
): Promise<boolean> {
  if (ownTable) return removeTable(client, tableName, options);
  return removeRows(client, tableName, (pk) => pk.startsWith(prefix)).then(
    () => true,
    () => false,
  );
}

/** Removes the rows of runs that began longer ago than this. @returns how many rows there were. */
export function removeOldRows(client: DynamoDBClient, tableName: string, afterMs: number): Promise<number> {
  const before = `verify-${timeOf(new Date(Date.now() - afterMs))}`;
  return removeRows(client, tableName, (pk) => ROWS.test(pk) && pk < before);
}

/** Reads the keys of the whole table: a partition key has no order by which it could be found. */
async function removeRows(
  client: DynamoDBClient,
  TableName: string,
  isMine: (pk: string) => boolean,
): Promise<number> {
  const pages = paginateScan(
    { client },
    {
      TableName,
      ProjectionExpression: "pk, sk",
      ConsistentRead: true,
      FilterExpression: "begins_with(pk, :verify)",
      ExpressionAttributeValues: { ":verify": { S: "verify-" } },
    },
  );
  let rows = 0;
  for await (const { Items = [] } of pages) {
    const mine = Items.filter(({ pk }) => isMine(pk?.S ?? ""));
    for (let i = 0; i < mine.length; i += AT_ONCE) {
      await Promise.all(
        mine.slice(i, i + AT_ONCE).map((Key) => client.send(new DeleteItemCommand({ TableName, Key }))),
      );
    }
    rows += mine.length;
  }
  return rows;
}
