import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  Election,
  type ElectionEvent,
  type Leadership,
  Partitions,
  Session,
  WorkNotStoppedError,
} from "../../src/index.js";
import { meter } from "../aws/meter.js";
import { Random } from "../simulation/random.js";
import { AcquireTimes } from "./acquire-times.js";
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

/** One for the elections, and another for what the work does by itself, so that they are told apart. */
function newClient(): DynamoDBClient {
  const client = new DynamoDBClient({ ...connection, maxAttempts: random.pick([1, 3]) });
  if (config.metered) meter(client, (units) => harness.tell({ type: "used", ...units }));
  return client;
}

const client = newClient();
const acquires = new AcquireTimes(client, () => harness.lastAnswer);
const ownClient = newClient();
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

const options = {
  client,
  tableName: config.leaseTable,
  label: config.label,
  leaseDurationMs: leaseMs,
  lastWill: config.lastWill,
  stopTimeoutMs: Math.round(leaseMs * random.between(0.3, 1.5)),
  tuning: { expiry: random.pick([{ maxServiceClockErrorMs }, "observation" as const]) },
};

function tell(event: ElectionEvent): void {
  const { candidateId: candidate, election: name } = event;
  const post = { candidate, ...(name !== config.election && { election: name }) };
  if (event.type === "elected")
    harness.tell({ type: "elected", term: event.term, notBefore: acquires.leftAfter(name), ...post });
  if (event.type === "ended")
    harness.tell({ type: "ended", term: event.term, reason: event.reason, ...post });
  if (event.type === "resigned")
    harness.tell({ type: "resigned", term: event.term, outcome: event.outcome, ...post });
}

/** Again and again, until it is told to stop. Where work does not stop, this one does not end its process: it waits. */
async function again(run: () => Promise<void>): Promise<void> {
  while (!stop.signal.aborted) {
    await run().catch((error: unknown) => {
      if (error instanceof WorkNotStoppedError) return error.stopped;
      throw error;
    });
  }
}

/** Because there are more of them. */
const RARELY = { pauseMs: [50, 200] as const, viewEveryMs: 60, slowToStop: 0.1 };

async function compete(): Promise<void> {
  const election = new Election({ ...options, name: config.election, onEvent: tell });
  const { candidateId: candidate } = election;
  harness.tell({ type: "hello", candidate });
  const work = new Work(harness, client, ownClient, config, { candidate }, random);
  await again(() => election.lead((leadership) => work.lead(leadership), { signal: stop.signal }));
  await work.staleWrites;
}

async function share({ name, count }: NonNullable<WorkerConfig["group"]>): Promise<void> {
  const partitions = new Partitions({ ...options, name, count, onEvent: tell });
  const { candidateId: candidate } = partitions;
  const elections = Array.from({ length: count }, (_, i) => `${name}/${i}`);
  harness.tell({ type: "hello", candidate, elections });
  // Who returns by itself waits longer and longer before it is called again.
  const style = { ...config.style, ...RARELY, stopsByItself: 0 };
  const works = elections.map(
    (election) => new Work(harness, client, ownClient, { ...config, style }, { candidate, election }, random),
  );
  const work = (partition: number, leadership: Leadership) => works[partition]?.lead(leadership);
  await again(() => partitions.run(work, { signal: stop.signal }));
  await Promise.all(works.map(({ staleWrites }) => staleWrites));
}

async function hold(names: readonly string[]): Promise<void> {
  const session = new Session({ ...options, onEvent: () => {} });
  const style = { ...config.style, ...RARELY };
  const standFor = async (name: string) => {
    const election = new Election({ session, name, onEvent: tell });
    const post = { candidate: election.candidateId, election: name };
    harness.tell({ type: "hello", candidate: post.candidate, elections: [name] });
    const work = new Work(harness, client, ownClient, { ...config, style }, post, random);
    await again(() => election.lead((leadership) => work.lead(leadership), { signal: stop.signal }));
    await work.staleWrites;
  };
  await Promise.all(names.map(standFor));
  await session.close();
}

// So that `lastAnswer` is never long ago.
setInterval(() => harness.ask(() => {}), 200);
const { group, underSession } = config;
await Promise.all([
  compete(),
  ...(group ? [share(group)] : []),
  ...(underSession ? [hold(underSession)] : []),
]);
harness.tell({ type: "left" });
process.exit();
