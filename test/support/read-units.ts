import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

export interface ReadUnits {
  /** Request units since the beginning. */
  readonly units: number;
  readonly requests: number;
}

/** Counts what this client's reads consume from now on. */
export function countReadUnits(client: DynamoDBClient): ReadUnits {
  const count = { units: 0, requests: 0 };
  client.middlewareStack.add(
    (next) => async (args) => {
      const counted = { ...args.input, ReturnConsumedCapacity: "TOTAL" };
      const answer = await next({ ...args, input: counted as typeof args.input });
      const { ConsumedCapacity } = answer.output as { ConsumedCapacity?: { CapacityUnits?: number } };
      count.units += ConsumedCapacity?.CapacityUnits ?? 0;
      count.requests += 1;
      return answer;
    },
    { step: "initialize" },
  );
  return count;
}
