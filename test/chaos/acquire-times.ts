import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** What the harness had last said when the latest acquire of each election left. */
export class AcquireTimes {
  readonly #left = new Map<string, number>();

  constructor(client: DynamoDBClient, lastAnswer: () => number) {
    client.middlewareStack.add(
      (next) => (args) => {
        // Only a request to acquire names it.
        const text = JSON.stringify(args.input);
        const election = text.includes("attemptId") && /"pk":\{"S":"([^"]*)"\}/.exec(text)?.[1];
        if (election) this.#left.set(election, lastAnswer());
        return next(args);
      },
      { step: "initialize", name: "noteAcquire" },
    );
  }

  leftAfter(election: string): number {
    return this.#left.get(election) ?? 0;
  }
}
