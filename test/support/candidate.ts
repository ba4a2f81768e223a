import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "../../src/index.js";
import type { CandidateOptions } from "../../src/options.js";

/**
 * A candidate's process for tests: leads for as long as it may, and prints what happens to it, one JSON object a
 * line. Its options come as JSON; `rank` may be changed by a line on its input. Ends with its parent.
 */
const [, , options = "{}"] = process.argv;
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);
const {
  rank: atFirst = 0,
  succession,
  ...given
} = JSON.parse(options) as CandidateOptions & { tableName: string; rank?: number };

let rank = atFirst;
process.stdin
  .on("data", (text) => {
    rank = Number(text);
  })
  .on("end", () => process.exit());

const election = new Election({
  leaseDurationMs: 3_000,
  ...given,
  client: new DynamoDBClient({}),
  succession:
    typeof succession === "object" && succession.order === "rank"
      ? { ...succession, rank: () => rank }
      : succession,
  onEvent: ({ election: _, candidateId: __, ...event }) => {
    if (event.type === "ended" || event.type === "refused") say(event);
  },
});
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
say({ type: "joined", candidateId: election.candidateId });

await election.lead(
  async ({ term, signal }) => {
    say({ type: "leads", term });
    await new Promise((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener("abort", resolve);
    });
  },
  { signal: stop.signal },
);
say({ type: "left" });
process.exit();
