import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "incumbent";

const version = Number(process.argv[2] ?? process.env.BUILD_NUMBER ?? 1); // grows with each deployment
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

const election = new Election({
  client: new DynamoDBClient({}),
  name: "billing/worker",
  label: `v${version}`,
  leaseDurationMs: 3_000,
  stopTimeoutMs: 25_000, // below the 30 s after which ECS and Kubernetes kill a process
  // A worker of a newer version takes over. One of the same version waits in line.
  succession: { order: "rank", rank: version, preempt: true },
});

await election.lead(
  async ({ term, signal }) => {
    console.log(`version ${version} leads, term ${term}`);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  },
  { signal: stop.signal },
);
