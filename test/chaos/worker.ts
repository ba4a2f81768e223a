import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, WorkNotStoppedError } from "../../src/index.js";
import { meter } from "../aws/meter.js";
import { Random } from "../simulation/random.js";
import { Harness } from "./harness.js";
import type { WorkerConfig } from "./messages.js";
import { Work } from "./work.js";

/**
 * One life of one worker: competes, counts the register up while it leads, and tells the harness what it sees.
 * It knows nothing of the faults; they come from outside.
 */
const config = JSON.parse(process.argv[2] ?? "") as WorkerConfig;
const { leaseMs, connection, maxServiceClockErrorMs } = config;
const random = new Random(config.seed);
const harness = new Harness();

/** One for the election, and another for what the work does by itself, so that they are told apart. */
function newClient(): DynamoDBClient {
  const client = new DynamoDBClient({ ...connection, maxAttempts: random.pick([1, 3]) });
  if (config.metered) meter(client, (units) => harness.tell({ type: "used", ...units }));
  return client;
}

const client = newClient();
let acquireLeftAfter = 0;
client.middlewareStack.add(
  (next) => (args) => {
    // Only a request to acquire names it.
    if (JSON.stringify(args.input).includes("attemptId")) acquireLeftAfter = harness.lastAnswer;
    return next(args);
  },
  { step: "initialize", name: "noteAcquire" },
);

const election = new Election({
  client,
  tableName: config.leaseTable,
  name: config.election,
  label: config.label,
  leaseDurationMs: leaseMs,
  lastWill: config.lastWill,
  stopTimeoutMs: Math.round(leaseMs * random.between(0.3, 1.5)),
  tuning: { expiry: random.pick([{ maxServiceClockErrorMs }, "observation"]) },
  onEvent: (event) => {
    if (event.type === "elected")
      harness.tell({ type: "elected", term: event.term, notBefore: acquireLeftAfter });
    if (event.type === "ended") harness.tell({ type: "ended", term: event.term, reason: event.reason });
    if (event.type === "resigned")
      harness.tell({ type: "resigned", term: event.term, outcome: event.outcome });
  },
});
harness.tell({ type: "hello", candidate: election.candidateId });
// So that `lastAnswer` is never long ago.
setInterval(() => harness.ask(() => {}), 200);

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

const work = new Work(harness, client, newClient(), config, election.candidateId, random);
while (!stop.signal.aborted) {
  await election
    .lead((leadership) => work.lead(leadership), { signal: stop.signal })
    .catch((error: unknown) => {
      // It does not end its process, so it waits.
      if (error instanceof WorkNotStoppedError) return error.stopped;
      throw error;
    });
}
await work.staleWrites;
harness.tell({ type: "left" });
process.exit();
