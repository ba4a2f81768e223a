import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

/** What a client has sent, and what DynamoDB charges for it. */
export interface Count {
  readonly requests: number;
  readonly writeUnits: number;
  readonly readUnits: number;
}

export const NOTHING: Count = { requests: 0, writeUnits: 0, readUnits: 0 };

const READS = /^(GetItem|Query|Scan|BatchGetItem)Command$/;

/**
 * A client of its own for each candidate, which counts what the table charges (`ReturnConsumedCapacity`). DynamoDB Local reports 2 units per
 * table for a transaction. DynamoDB charges 2 for each of its items of up to 1 kB, so this is what is counted.
 */
export class CountingClient {
  readonly client: DynamoDBClient;
  #count = NOTHING;

  constructor(config: DynamoDBClientConfig) {
    this.client = new DynamoDBClient(config);
    this.client.middlewareStack.add(
      (next, context) => async (args) => {
        const input = { ...args.input, ReturnConsumedCapacity: "TOTAL" } as typeof args.input;
        const reads = READS.test((context as { commandName?: string }).commandName ?? "");
        try {
          const answer = await next({ ...args, input });
          this.#add(reads, transactionUnits(args.input) ?? unitsOf(answer.output));
          return answer;
        } catch (error) {
          this.#add(reads, 0);
          throw error;
        }
      },
      { step: "initialize" },
    );
  }

  get count(): Count {
    return this.#count;
  }

  #add(reads: boolean, units: number): void {
    const { requests, writeUnits, readUnits } = this.#count;
    this.#count = {
      requests: requests + 1,
      writeUnits: writeUnits + (reads ? 0 : units),
      readUnits: readUnits + (reads ? units : 0),
    };
  }
}

function transactionUnits(input: object): number | undefined {
  const { TransactItems } = input as { TransactItems?: unknown[] };
  return TransactItems && TransactItems.length * 2;
}

interface Charged {
  readonly CapacityUnits?: number;
}

function unitsOf(output: object): number {
  const { ConsumedCapacity } = output as { ConsumedCapacity?: Charged | Charged[] };
  // A batch has one for each table.
  return [ConsumedCapacity].flat().reduce((sum, charged) => sum + (charged?.CapacityUnits ?? 0), 0);
}

export function difference(later: Count, earlier: Count): Count {
  return {
    requests: later.requests - earlier.requests,
    writeUnits: later.writeUnits - earlier.writeUnits,
    readUnits: later.readUnits - earlier.readUnits,
  };
}

/** The mean of the counts, each divided by `times`. */
export function mean(counts: readonly Count[], times = 1): Count {
  const of = (pick: (count: Count) => number) =>
    counts.reduce((sum, count) => sum + pick(count), 0) / counts.length / times;
  return {
    requests: of(({ requests }) => requests),
    writeUnits: of(({ writeUnits }) => writeUnits),
    readUnits: of(({ readUnits }) => readUnits),
  };
}
