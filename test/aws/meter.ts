import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** Request units, as DynamoDB bills them. */
export interface Units {
  readonly reads: number;
  readonly writes: number;
}

const READS = new Set(["GetItemCommand", "QueryCommand", "ScanCommand"]);
const WRITES = new Set([
  "PutItemCommand",
  "UpdateItemCommand",
  "DeleteItemCommand",
  "BatchWriteItemCommand",
  "TransactWriteItemsCommand",
]);

/** Tells the units of each request of this client. An answer with an error names none: it counts as two. */
export function meter(client: DynamoDBClient, used: (units: Units) => void): void {
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        const reads = READS.has(commandName);
        if (!reads && !WRITES.has(commandName)) return next(args);
        const tell = (units: number) =>
          used(reads ? { reads: units, writes: 0 } : { reads: 0, writes: units });
        try {
          const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: "TOTAL" } });
          tell(unitsOf(result.output));
          return result;
        } catch (error) {
          tell(2);
          throw error;
        }
      },
    { step: "initialize", name: "meter" },
  );
}

function unitsOf(output: object): number {
  const { ConsumedCapacity = [] } = output as { ConsumedCapacity?: Consumed | Consumed[] };
  return [ConsumedCapacity].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
}

interface Consumed {
  readonly CapacityUnits?: number;
}
