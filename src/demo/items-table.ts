import { CreateTableCommand, type DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";

/** Creates a table for items of the user, keyed by the string `id`. The lease table has other keys. */
export async function createItemsTable(
  client: DynamoDBClient,
  tableName: string,
  abortSignal?: AbortSignal,
): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
  const wait = { client, maxWaitTime: 60, ...(abortSignal && { abortSignal }) };
  await waitUntilTableExists(wait, { TableName: tableName });
}
