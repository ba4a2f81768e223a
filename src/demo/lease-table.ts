import { randomUUID } from "node:crypto";
import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createLeaseTable, type DynamoDBLocal } from "../testing/index.js";

export interface Table {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly clientConfig: DynamoDBLocal["clientConfig"];
}

/** With its own name: the endpoint in the environment can hold other tables. */
export async function leaseTable({ clientConfig, source }: DynamoDBLocal): Promise<Table & AsyncDisposable> {
  const client = new DynamoDBClient(clientConfig);
  const tableName = source === "environment" ? `incumbent-story-${randomUUID()}` : "incumbent";
  const strike = async () => {
    if (source === "environment") {
      await client.send(new DeleteTableCommand({ TableName: tableName })).catch(() => {});
    }
    client.destroy();
  };
  try {
    await createLeaseTable(client, tableName);
  } catch (error) {
    await strike();
    throw error;
  }
  return { client, tableName, clientConfig, [Symbol.asyncDispose]: strike };
}
