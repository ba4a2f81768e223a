import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** The only client that this library creates, from the environment that Lambda sets. */
export function defaultClient(): DynamoDBClient {
  return new DynamoDBClient({});
}
