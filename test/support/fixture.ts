import { randomUUID } from "node:crypto";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { inject } from "vitest";
import { createLeaseTable } from "../../src/testing.js";

/** A client of the run's DynamoDB Local; another endpoint for one behind a fault proxy. */
export function newClient(endpoint?: string): DynamoDBClient {
  const config = inject("dynamodb");
  return new DynamoDBClient({ ...config, endpoint: endpoint ?? config.endpoint });
}

/** A lease table of one's own. */
export async function newLeaseTable(client: DynamoDBClient): Promise<string> {
  const tableName = `leases-${randomUUID()}`;
  await createLeaseTable(client, tableName);
  return tableName;
}

/** A user's table, keyed by the string `id`. */
export async function newTable(
  client: DynamoDBClient,
  key = "id",
  TableName = `items-${randomUUID()}`,
): Promise<string> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
      KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
    }),
  );
  return TableName;
}

/** Resolves with the first value that is not undefined or false; fails after `deadlineMs`. */
export async function eventually<T>(
  what: () => T | undefined | false | Promise<T | undefined | false>,
  { deadlineMs = 30_000 } = {},
): Promise<T> {
  for (const startMs = performance.now(); ; ) {
    const value = await what();
    if (value !== undefined && value !== false) return value;
    if (performance.now() - startMs > deadlineMs) throw new Error(`not so within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
