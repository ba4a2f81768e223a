import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Partitions } from "incumbent";

const slots = new Partitions({
  client: new DynamoDBClient({}),
  name: "imports",
  count: 3, // so many copies import at the same time, at most
  maxPerMember: 1,
  leaseDurationMs: 3_000,
});
const done = new AbortController();

await slots.run(
  async (slot, { term, signal }) => {
    await sleep(1_000, undefined, { signal }); // your work
    console.log(`imported in slot ${slot}, term ${term}`);
    done.abort(); // this copy needs the slot no longer: the next one gets it
  },
  { signal: done.signal },
);
