import {
  CreateTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { checkNewTableName } from "../../arguments.js";
import { DEFAULT_TABLE_NAME, PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from "../schema.js";
import { checkClient } from "./table.js";

/**
 * Creates the lease table, if there is none: on demand, with the keys `pk` and `sk` and a TTL on `ttl` (which a lease row has
 * only with `deleteIdleAfterMs`). It is for DynamoDB Local and tests. On AWS let your infrastructure code create the table.
 * @param tableName @default "incumbent"
 * @throws InvalidOptionError: an argument cannot work.
 * @throws what the AWS SDK throws.
 * @example
 * const client = new DynamoDBClient(local.clientConfig);
 * await createLeaseTable(client, "leases");
 */
export async function createLeaseTable(
  client: DynamoDBClient,
  tableName = DEFAULT_TABLE_NAME,
): Promise<void> {
  checkClient(client);
  checkNewTableName("tableName", tableName, DEFAULT_TABLE_NAME);
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
