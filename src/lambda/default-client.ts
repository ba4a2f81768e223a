import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** The one client that this library makes by itself: from the environment of the function, as Lambda sets it. */
export function defaultClient(): DynamoDBClient {
  return new DynamoDBClient({});
}
