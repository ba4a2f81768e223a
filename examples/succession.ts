import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, Operator } from "incumbent";

const client = new DynamoDBClient({});
const applied = Number(process.argv[2] ?? 4711); // how far this copy's data is
const stop = new AbortController();

const election = new Election({
  client,
  name: "orders/replica",
  label: `replica-at-${applied}`,
  leaseDurationMs: 3_000,
  succession: {
    order: "rank", // the freshest leads, then the next freshest
    rank: () => applied, // asked again and again
    preempt: true, // a fresher one that joins takes over
  },
});

await election.lead(
  async ({ term, signal }) => {
    console.log(`leading at ${applied}, term ${term}`);
    for (const { label, role } of await election.candidates()) console.log(`${label}: ${role}`);
    // From anywhere, such as an operator's terminal: hand over, with hardly a gap.
    await new Operator({ client, name: election.name, by: "ana" }).requestStepDown();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    stop.abort(); // or go on, and campaign again
  },
  { signal: stop.signal },
);

const [last] = await election.history({ limit: 1 });
console.log(`term ${last?.term}: ${last?.endReason}`);
