import { randomUUID } from "node:crypto";
import {
  type AttributeValue,
  CreateTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
} from "@aws-sdk/client-dynamodb";
import { inject } from "vitest";
import { type Clock, systemClock } from "../../src/clock.js";
import { createLeaseTable } from "../../src/testing/index.js";

/** A client of the run's DynamoDB Local; another endpoint for one behind a fault proxy. */
export function newClient(endpoint?: string, options: DynamoDBClientConfig = {}): DynamoDBClient {
  const config = inject("dynamodb");
  return new DynamoDBClient({ ...config, endpoint: endpoint ?? config.endpoint, ...options });
}

/** A lease table of one's own. */
export async function newLeaseTable(client: DynamoDBClient): Promise<string> {
  const tableName = `leases-${randomUUID()}`;
  await createLeaseTable(client, tableName);
  return tableName;
}

/** The lease row as it stands in the table, attribute by attribute. */
export async function leaseRow(
  client: DynamoDBClient,
  TableName: string,
  name: string,
): Promise<Record<string, AttributeValue> | undefined> {
  const Key = { pk: { S: name }, sk: { S: "lease" } };
  return (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
}

/**
 * The system's clocks, counting timers that wait: elections set all of theirs here, so what is not 0 when
 * they have ended was left behind. `offWallMs` sets the wall clock wrong.
 */
export function watchedClock(): Clock & { offWallMs: number; readonly pendingTimers: number } {
  const pending = new Set<object>();
  return {
    offWallMs: 0,
    monotonicMs: systemClock.monotonicMs,
    wallMs() {
      return systemClock.wallMs() + this.offWallMs;
    },
    setTimer(ms, callback) {
      const timer = {};
      pending.add(timer);
      const cancel = systemClock.setTimer(ms, () => {
        pending.delete(timer);
        callback();
      });
      return () => {
        pending.delete(timer);
        cancel();
      };
    },
    get pendingTimers() {
      return pending.size;
    },
  };
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
  { deadlineMs = 150_000 } = {},
): Promise<T> {
  for (const startMs = performance.now(); ; ) {
    const value = await what();
    if (value !== undefined && value !== false) return value;
    if (performance.now() - startMs > deadlineMs) throw new Error(`not so within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The environment of a program that finds the run's DynamoDB Local as programs find DynamoDB. */
export function localEnv(): NodeJS.ProcessEnv {
  const { endpoint, region, credentials } = inject("dynamodb");
  return {
    ...process.env,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    NODE_NO_WARNINGS: "1",
  };
}
