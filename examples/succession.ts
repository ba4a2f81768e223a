import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, Operator } from "incumbent";

const client = new DynamoDBClient({});
const applied = Number(process.argv[2] ?? 4711); // how far this copy has applied the data
const stop = new AbortController();

const election = new Election({
  client,
  name: "orders/replica",
  label: `replica-at-${applied}`,
  leaseDurationMs: 3_000,
  succession: {
    order: "rank", // the candidate with the newest data leads, then the next one
    rank: () => applied, // called once per lease
    preempt: true, // a candidate with newer data that joins takes over
  },
});

await election.lead(
  async ({ term, signal }) => {
    console.log(`leading at ${applied}, term ${term}`);
    for (const { label, role } of await election.candidates()) console.log(`${label}: ${role}`);
    // Any process may ask this, for example an operator's terminal: the leader hands over, with a gap of milliseconds.
    await new Operator({ client, name: election.name, by: "ana" }).requestStepDown();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    stop.abort(); // without this line it campaigns again
  },
  { signal: stop.signal },
);

const [last] = await election.history({ limit: 1 });
console.log(`term ${last?.term}: ${last?.endReason}`);
