import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, type Leadership, type Succession } from "../src/index.js";
import type { FromWorker, RequestKind, ToWorker, WorkerConfig } from "./messages.js";
import { aborted } from "./waiting.js";

/** One candidate in its own process. Its work does nothing until its signal aborts, and then stops at once. */

const config = JSON.parse(process.argv[2] ?? "") as WorkerConfig;
const say = (message: FromWorker) => void process.send?.(message, () => {});
process.once("disconnect", () => process.exit());

const client = new DynamoDBClient(config.connection);
client.middlewareStack.add(
  (next, { commandName }) =>
    (args) => {
      say({ type: "request", kind: kindOf(commandName ?? "", args.input) });
      return next(args);
    },
  // Within the SDK's retries, so that each try counts.
  { step: "finalizeRequest", priority: "low", name: "countRequests" },
);

const { tableName, election: name, label, leaseMs, renewMs, order, rank, maxTenureMs } = config;
const { lastWill, standbyPollMs, maxStallMs } = config;
const election = new Election({
  client,
  tableName,
  name,
  label,
  leaseDurationMs: leaseMs,
  renewIntervalMs: renewMs,
  succession: succession(),
  lastWill,
  heartbeat: maxStallMs === undefined ? "event-loop" : { maxStallMs },
  tuning: { standbyPollMs },
});

function succession(): Succession {
  if (order === undefined || order === "random") return "random";
  return order === "rank" ? { order, rank: rank ?? 0, maxTenureMs } : { order, maxTenureMs };
}

let leading: Leadership | undefined;
process.on("message", (message: ToWorker) => {
  if (message.type === "stepDown") leading?.stepDown({ to: message.to });
  if (message.type === "block") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.ms);
  if (message.type !== "die") return;
  if (message.how === "process.exit") process.exit(1);
  setImmediate(() => {
    throw new Error("the bench wants this process to die");
  });
});

async function work(leadership: Leadership): Promise<void> {
  const { term, signal } = leadership;
  say({ type: "working", term });
  leading = leadership;
  await aborted(signal);
  say({ type: "stopped", term });
}

function kindOf(command: string, input: object): RequestKind {
  const { Key, UpdateExpression = "" } = input as {
    Key?: { sk?: { S?: string } };
    UpdateExpression?: string;
  };
  const text = JSON.stringify(input);
  const isOnLease = Key?.sk?.S === "lease";
  if (text.includes("attemptId")) return "acquire";
  if (command === "GetItemCommand" && isOnLease) return "read the lease";
  if (command === "QueryCommand" && text.includes("candidate#")) return "read the candidates";
  if (command === "UpdateItemCommand" && Key?.sk?.S?.startsWith("candidate#")) return "refresh the candidate";
  if (!isOnLease || UpdateExpression === "") return "other";
  if (text.includes("endReason")) return "resign";
  return text.includes(":revision") ? "renew" : "other";
}

say({ type: "hello", candidateId: election.candidateId });
election.lead(work).catch((error: unknown) => say({ type: "failed", message: String(error) }));
