import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Partitions } from "../src/index.js";
import type { FromGroupMember, GroupConfig, ToGroupMember } from "./group-messages.js";
import { aborted } from "./waiting.js";

/** One member of a group in its own process. Its work stops at once. */

const config = JSON.parse(process.argv[2] ?? "") as GroupConfig;
const say = (message: FromGroupMember) => void process.send?.(message, () => {});
process.once("disconnect", () => process.exit());

const partitions = new Partitions({
  client: new DynamoDBClient(config.connection),
  tableName: config.tableName,
  name: config.group,
  label: config.label,
  count: config.count,
  leaseDurationMs: config.leaseMs,
  renewIntervalMs: config.renewMs,
});
const leaving = new AbortController();
process.on("message", (message: ToGroupMember) => {
  if (message.type === "leave") leaving.abort();
});

say({ type: "hello" });
partitions
  .run(
    async (partition, { term, signal }) => {
      say({ type: "took", partition, term });
      await aborted(signal);
      say({ type: "gave", partition, term });
    },
    { signal: leaving.signal },
  )
  .then(
    () => say({ type: "left" }),
    (error: unknown) => say({ type: "failed", message: String(error) }),
  );
