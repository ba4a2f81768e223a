import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Partitions } from "../index.js";
import { type FromNode, type NodeConfig, PARTITIONS } from "./nodes.js";

/** A member of the demo's group. It works on each partition for as long as it holds it. */

process.once("disconnect", () => process.exit());
// A terminal sends Ctrl-C to all processes. The coordinator decides what happens then.
process.on("SIGINT", () => {});

/** When messages cannot be sent, the coordinator is dead, and this process ends too. */
const say = (message: FromNode) => void process.send?.(message, () => {});

process.once("message", (config: NodeConfig) => {
  live(config).catch((error: unknown) => say({ type: "failed", message: String(error) }));
});

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
