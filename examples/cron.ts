import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "incumbent";

const election = new Election({ client: new DynamoDBClient({}), name: "reports/daily" });

// Every copy calls this, for example from cron. At most one run completes per tick.
const tick = process.argv[2] ?? new Date().toISOString().slice(0, 10);
const outcome = await election.runOnce(
  tick,
  async ({ term, signal }) => {
    signal.throwIfAborted();
    return `report for ${tick}, term ${term}`;
  },
  { wait: true }, // while another copy runs; take over if it crashes
);
console.log(outcome.ran ? outcome.result : `not run here: ${outcome.because}`);
