import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "incumbent";

const election = new Election({ client: new DynamoDBClient({}), name: "hello" });
const stop = new AbortController();
process.once("SIGINT", () => stop.abort()); // Ctrl-C

// Every copy of the program calls this. The function runs in one copy at a time.
await election.lead(
  async ({ term, signal }) => {
    console.log(`leading, term ${term}`);
    for (let step = 1; !signal.aborted; step++) {
      console.log(`step ${step}`); // your work
      await sleep(1_000, undefined, { signal });
    }
  },
  { signal: stop.signal },
);
