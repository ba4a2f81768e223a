import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "../index.js";
import { liveAsChild, say } from "./child.js";
import type { NodeConfig } from "./nodes.js";

/** A node of the classic story. It campaigns with its number as its rank, and leads as long as it can. */

liveAsChild(live);

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
