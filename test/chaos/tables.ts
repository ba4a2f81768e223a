import {
  type AttributeValue,
  CreateTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
} from "@aws-sdk/client-dynamodb";
import type { TransactionAction } from "../../src/store/fencing.js";
import { createLeaseTable } from "../../src/testing/index.js";

/**
 * The register that all leaders count up, and beside it one line for each write: a list grows at its end, so the
 * log has them in the order in which they were accepted. Stale writes, sent on purpose, are rows of another key.
 */
export const LEASES = "chaos-leases";
export const LOG = "chaos-log";
export const ELECTION = "chaos/register";

/**
 * A list may not grow for ever. A late write for a full page is out of order unseen; there is one page in some
 * hundred writes.
 */
const LINES_A_PAGE = 500;

const REGISTER = { log: { S: "register" }, n: { N: "0" } };

export interface LoggedWrite {
  readonly write: string;
  readonly candidate: string;
  readonly term: number;
}

export async function createTables(client: DynamoDBClient): Promise<void> {
  await createLeaseTable(client, LEASES);
  await client.send(
    new CreateTableCommand({
      TableName: LOG,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "log", AttributeType: "S" },
        { AttributeName: "n", AttributeType: "N" },
      ],
      KeySchema: [
        { AttributeName: "log", KeyType: "HASH" },
        { AttributeName: "n", KeyType: "RANGE" },
      ],
    }),
  );
}

export async function readRegister(client: DynamoDBClient, signal?: AbortSignal): Promise<number> {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: LOG, Key: REGISTER, ConsistentRead: true }),
    signal ? { abortSignal: signal } : {},
  );
  return Number(Item?.count?.N ?? 0);
}

/**
 * One more in the register, and a line in its log. Nothing but the fence could refuse it: not even a write
 * that comes late finds a condition of its own that fails. `doomed` adds one that always does.
 */
export function countOne(count: number, logged: LoggedWrite, doomed: boolean): TransactionAction[] {
  const refuse: TransactionAction = {
    ConditionCheck: {
      TableName: LOG,
      Key: { log: { S: "nothing" }, n: { N: "0" } },
      ConditionExpression: "attribute_exists(n)",
    },
  };
  return [
    {
      Update: {
        TableName: LOG,
        Key: REGISTER,
        UpdateExpression: "ADD #count :one",
        ExpressionAttributeNames: { "#count": "count" },
        ExpressionAttributeValues: { ":one": { N: "1" } },
      },
    },
    {
      Update: {
        TableName: LOG,
        Key: { log: { S: "accepted" }, n: { N: String(Math.floor(count / LINES_A_PAGE)) } },
        UpdateExpression: "SET #lines = list_append(if_not_exists(#lines, :none), :line)",
        ExpressionAttributeNames: { "#lines": "lines" },
        ExpressionAttributeValues: { ":none": { L: [] }, ":line": { L: [{ M: line(logged) }] } },
      },
    },
    ...(doomed ? [refuse] : []),
  ];
}

/** A row that says: this stale write was let through. */
export function letThrough(n: number, logged: LoggedWrite): { Put: { TableName: string; Item: Item } } {
  const key = { log: { S: `stale ${logged.candidate}` }, n: { N: String(n) } };
  return { Put: { TableName: LOG, Item: { ...key, lines: { L: [{ M: line(logged) }] } } } };
}

type Item = Record<string, AttributeValue>;

function line({ write, candidate, term }: LoggedWrite): Item {
  return { write: { S: write }, candidate: { S: candidate }, term: { N: String(term) } };
}

/** The lines of one log, in order. */
export async function readLog(
  client: DynamoDBClient,
  log: "accepted" | `stale ${string}`,
): Promise<LoggedWrite[]> {
  const written: LoggedWrite[] = [];
  const pages = paginateQuery(
    { client },
    {
      TableName: LOG,
      KeyConditionExpression: "#log = :log",
      ExpressionAttributeNames: { "#log": "log" },
      ExpressionAttributeValues: { ":log": { S: log } },
      ConsistentRead: true,
    },
  );
  for await (const { Items = [] } of pages) {
    for (const { M: logged } of Items.flatMap(({ lines }) => lines?.L ?? [])) {
      written.push({
        write: logged?.write?.S ?? "",
        candidate: logged?.candidate?.S ?? "",
        term: Number(logged?.term?.N),
      });
    }
  }
  return written;
}
