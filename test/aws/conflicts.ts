import { TransactWriteItemsCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { dataOf } from "../../src/describe.js";
import { Election, TransactionUnknownError } from "../../src/index.js";
import { type CountEvent, checkCounts } from "./count-checker.js";
import { Counter } from "./counter.js";
import { NO_TRANSACTIONS, type PartResult, result, type Stage, skipped } from "./part.js";
import { failureOf } from "./recorder.js";

const PART = "conflicts";
const AT_ONCE = 6;

/** The errors with which DynamoDB refuses a write, and has written nothing. */
const REFUSALS = new Set([
  "TransactionConflictException",
  "ConditionalCheckFailedException",
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "RequestLimitExceeded",
]);
/** The same, for one part of a transaction. */
const PART_REFUSALS = new Set([
  "None",
  "TransactionConflict",
  "ConditionalCheckFailed",
  "ProvisionedThroughputExceeded",
  "ThrottlingError",
]);

/**
 * Many writes of one item at once: plain ones, transactions, and `transact` of a leader. What the callers are told must
 * add up to what the item shows.
 */
export async function conflicts(stage: Stage): Promise<PartResult> {
  const { pace, signal, progress } = stage;
  if (!stage.transactions) return skipped(PART, NO_TRANSACTIONS);
  const events: CountEvent[] = [];
  const strange = new Set<string>();
  const plain = new Counter(stage.tableName, `${stage.prefix}conflicts`);
  const fenced = new Counter(stage.tableName, `${stage.prefix}conflicts/fenced`);
  const election = new Election({
    ...{ client: stage.client, tableName: stage.tableName, name: plain.name, label: "verify" },
    leaseDurationMs: 15_000,
  });
  await using leadership = await election.campaign({ signal });
  for (let round = 1; round <= pace.conflictRounds; round++) {
    progress(`round ${round} of ${pace.conflictRounds}`);
    const bothKinds = (counter: Counter) => [
      ask(stage, counter, "TransactWriteItems", events, strange),
      ask(stage, counter, "UpdateItem", events, strange),
    ];
    const rivals = Array.from({ length: AT_ONCE / 2 }, () => bothKinds(plain)).flat();
    const calls = Array.from({ length: AT_ONCE / 2 }, async () => {
      const counter = fenced.name;
      try {
        await leadership.transact([{ Update: fenced.addOne() }]);
        events.push({ type: "asked", counter, via: "transact", outcome: "accepted" });
      } catch (error) {
        const outcome = error instanceof TransactionUnknownError ? "unknown" : "refused";
        events.push({ type: "asked", counter, via: "transact", outcome, ...failureOf(error) });
      }
    });
    await Promise.all([...rivals, ...bothKinds(fenced), ...calls]);
    signal.throwIfAborted();
  }
  for (const counter of [plain, fenced]) {
    events.push({ type: "counted", counter: counter.name, n: await counter.read(stage.client, signal) });
  }
  stage.keep("counts.jsonl", events);
  const violations = [
    ...checkCounts(events),
    ...[...strange].map((name) => `A write was answered with ${name}, which the client does not expect.`),
  ];
  const summary = `${events.length - 2} writes of two items, ${2 * AT_ONCE - 1} at once.`;
  return result(PART, summary, violations, { notes: notesOf(events) });
}

async function ask(
  { onceClient, signal }: Stage,
  counter: Counter,
  via: "TransactWriteItems" | "UpdateItem",
  events: CountEvent[],
  strange: Set<string>,
): Promise<void> {
  const Update = counter.addOne();
  const told = { type: "asked", counter: counter.name, via } as const;
  try {
    const options = { abortSignal: signal };
    if (via === "UpdateItem") await onceClient.send(new UpdateItemCommand(Update), options);
    else await onceClient.send(new TransactWriteItemsCommand({ TransactItems: [{ Update }] }), options);
    events.push({ ...told, outcome: "accepted" });
  } catch (error) {
    const failure = failureOf(error);
    const cancelled = failure.error === "TransactionCanceledException";
    const isRefusal = cancelled || REFUSALS.has(failure.error);
    for (const code of failure.reasons ?? []) if (!PART_REFUSALS.has(code)) strange.add(code);
    const status = Number(dataOf(dataOf(error, "$metadata"), "httpStatusCode"));
    if (!isRefusal && status >= 400 && status < 500) strange.add(failure.error);
    // Without an HTTP answer, or after an error of the server, the write may have landed.
    events.push({ ...told, outcome: isRefusal ? "refused" : "unknown", ...failure });
  }
}

function notesOf(events: readonly CountEvent[]): string[] {
  const times = new Map<string, number>();
  for (const event of events) {
    if (event.type !== "asked") continue;
    const codes = [...new Set(event.reasons?.filter((code) => code !== "None"))].join(", ");
    const error = event.error && (codes ? `${event.error} (${codes})` : event.error);
    const what = `${event.via}: ${event.outcome}${error ? `, ${error}` : ""}`;
    times.set(what, (times.get(what) ?? 0) + 1);
  }
  const met = [...times].some(([what]) => /TransactionConflict/.test(what));
  return [
    ...[...times].sort(([a], [b]) => a.localeCompare(b)).map(([what, n]) => `${what}: ${n} times.`),
    ...(met ? [] : ["No write met a conflict, so this run says nothing about conflicts."]),
  ];
}
