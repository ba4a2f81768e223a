import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Partitions } from "../index.js";
import { liveAsChild, say } from "./child.js";
import { type NodeConfig, PARTITIONS } from "./nodes.js";

/** A member of the demo's group. It works on each partition for as long as it holds it. */

liveAsChild(live);

async function live({ clientConfig, tableName, name, number, leaseMs }: NodeConfig): Promise<void> {
  const partitions = new Partitions({
    client: new DynamoDBClient(clientConfig),
    tableName,
    name,
    label: `worker-${number}`,
    count: PARTITIONS,
    leaseDurationMs: leaseMs,
  });
  await partitions.run(async (partition, { term, signal }) => {
    say({ type: "began", partition, term });
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    say({ type: "stopped", partition, term });
  });
}
