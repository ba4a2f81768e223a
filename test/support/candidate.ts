import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, type ElectionOptions } from "../../src/index.js";

/**
 * A candidate's process for tests: leads for as long as it may, and prints what happens to it, one JSON object a
 * line. Its options come as JSON; `rank` may be changed by a line on its input. Ends with its parent.
 */
const [, , options = "{}"] = process.argv;
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);
const given = JSON.parse(options) as ElectionOptions & { rank?: number };

let rank = given.rank ?? 0;
process.stdin
  .on("data", (text) => {
    rank = Number(text);
  })
  .on("end", () => process.exit());

const election = new Election({
  leaseDurationMs: 2_000,
  ...given,
  client: new DynamoDBClient({}),
  rank: () => rank,
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
