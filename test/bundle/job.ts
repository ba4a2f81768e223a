import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { leaderHandler } from "incumbent/lambda";
import type { JobEvent } from "./messages.js";

/** The job of a user, as the test needs one: it does as its event says, and records each run with a fenced write. */

const client = new DynamoDBClient({});
const { JOB_RECORDS: TableName = "", JOB_REGION: region = "" } = process.env;

export const handler = leaderHandler<string, JobEvent>(
  async (leadership, { event, tick = "", signal }) => {
    const { term } = leadership;
    console.log(`begun ${event.mood === "is killed" ? "to be killed " : ""}${tick} ${term}`);
    switch (event.mood) {
      case "fails":
        throw new Error(`tick ${tick} failed as it was told to`);
      case "overruns":
        // Heeds no signal.
        await new Promise(() => setInterval(() => {}, 1_000));
        break;
      case "is slow":
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
        break;
      case "is killed":
        // By the test, which heard that it has begun.
        await new Promise(() => setInterval(() => {}, 1_000));
        break;
    }
    const id = `${tick} ${term}`;
    await leadership.transact([{ Put: { TableName, Item: { id, tick, term, region } } }]);
    return region;
  },
  { client, leaseDurationMs: 2_000 },
);
