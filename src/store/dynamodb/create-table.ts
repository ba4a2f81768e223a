import {
  CreateTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { DEFAULT_TABLE_NAME, PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from "../schema.js";

/**
 * Makes the lease table if it is not there: on-demand, `pk` and `sk`, TTL on `ttl` (which lease rows never
 * carry). For DynamoDB Local and tests; on AWS let your infrastructure code do it.
 * @default tableName "incumbent"
 */
export async function createLeaseTable(
  client: DynamoDBClient,
  tableName = DEFAULT_TABLE_NAME,
): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: tableName,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [
          { AttributeName: PARTITION_KEY, AttributeType: "S" },
          { AttributeName: SORT_KEY, AttributeType: "S" },
        ],
        KeySchema: [
          { AttributeName: PARTITION_KEY, KeyType: "HASH" },
          { AttributeName: SORT_KEY, KeyType: "RANGE" },
        ],
      }),
    );
  } catch (error) {
    if (error instanceof ResourceInUseException) return;
    throw error;
  }
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName: tableName });
  await client.send(
    new UpdateTimeToLiveCommand({
      TableName: tableName,
      TimeToLiveSpecification: { AttributeName: TTL_ATTRIBUTE, Enabled: true },
    }),
  );
}
