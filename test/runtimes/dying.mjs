import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "incumbent";

/** Leads with a last will, and dies in one way as soon as it leads. Any runtime can run it. */

const [tableName, name, way] = process.argv.slice(2);

const WAYS = {
  exit: () => process.exit(3),
  exception: () =>
    setImmediate(() => {
      throw new Error("an uncaught exception");
    }),
  rejection: () => void Promise.reject(new Error("an unhandled rejection")),
  SIGKILL: () => process.kill(process.pid, "SIGKILL"),
  abort: () => process.abort(),
};

// Far longer than anybody waits here: what ends it sooner is the will.
const options = { leaseDurationMs: 600_000, lastWill: true };
const election = new Election({
  client: new DynamoDBClient({}),
  tableName,
  name,
  ...options,
  onEvent: (event) => {
    if (event.type === "last-will-unavailable") console.log(`no ${event.part}: ${event.error}`);
  },
});
const { term } = await election.campaign();
console.log(`leads term ${term}`);
WAYS[way]();
setInterval(() => {}, 1_000);
