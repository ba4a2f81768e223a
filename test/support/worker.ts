import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, LeaseLostError } from "../../src/index.js";

/**
 * A worker process for tests: leads `argv[3]` on table `argv[2]`, appends to a register under its fence
 * while it leads, and prints what happens, one JSON object a line. Ends with its parent.
 */
const [, , tableName = "", name = "", ledger = ""] = process.argv;
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);
process.stdin.resume().on("end", () => process.exit());

const election = new Election({
  client: new DynamoDBClient({}),
  tableName,
  name,
  leaseDurationMs: 2_000,
  onEvent: ({ election: _, candidateId: __, ...event }) => {
    if (event.type === "elected" || event.type === "ended" || event.type === "resigned") say(event);
  },
});
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

await election.lead(
  async (leadership) => {
    for (;;) {
      try {
        await leadership.transact([
          {
            Update: {
              TableName: ledger,
              Key: { id: name },
              UpdateExpression: "SET terms = list_append(if_not_exists(terms, :none), :term)",
              ExpressionAttributeValues: { ":none": [], ":term": [leadership.term] },
            },
          },
        ]);
        say({ type: "wrote", term: leadership.term });
        leadership.throwIfLost();
        await new Promise((resolve) => setTimeout(resolve, 20));
      } catch (error) {
        const { code, reason } = error as LeaseLostError;
        say({ type: "refused", term: leadership.term, code, reason });
        if (error instanceof LeaseLostError && !leadership.signal.aborted)
          throw new Error("lost, but not told");
        return new Promise<void>((resolve) => {
          if (leadership.signal.aborted) resolve();
        });
      }
      if (leadership.signal.aborted) return;
    }
  },
  { signal: stop.signal },
);
say({ type: "left" });
process.exit();
