import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "../index.js";
import type { FromNode, NodeConfig } from "./nodes.js";

/** A node of the classic story: stands for election with its number as its rank, and leads for as long as it may. */

process.once("disconnect", () => process.exit());
// A terminal sends Ctrl-C to all of us; the coordinator decides what it means.
process.on("SIGINT", () => {});

/** Lost messages are the coordinator's death, and then ours. */
const say = (message: FromNode) => void process.send?.(message, () => {});

process.once("message", (config: NodeConfig) => {
  live(config).catch((error: unknown) => say({ type: "failed", message: String(error) }));
});

async function live({ clientConfig, tableName, name, number, leaseMs }: NodeConfig): Promise<void> {
  const election = new Election({
    client: new DynamoDBClient(clientConfig),
    tableName,
    name,
    label: `node-${number}`,
    leaseDurationMs: leaseMs,
    succession: { order: "rank", rank: number, preempt: { minTenureMs: 0 } },
    onEvent: (event) => {
      if (event.type === "ended") say({ type: "ended", term: event.term, reason: event.reason });
    },
  });
  await election.lead(async ({ term, signal }) => {
    say({ type: "leads", term });
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
}
