import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { MUTANTS } from "../mutants/catalogue.js";
import { mutantsInWords, runMutants } from "../mutants/run.js";
import { simulateAll } from "./crew.js";
import { type Kind, simulateOne } from "./kinds.js";
import { useLightAbort } from "./light-abort.js";
import { planOf } from "./plan.js";
import { Progress } from "./progress.js";
import { inWords, Tally } from "./report.js";
import { shrink } from "./shrink.js";

const HELP = `npm run simulate -- [options]

Runs the real election code on virtual time, on a network and machines that fail. One seed decides everything.

  --seeds N   how many histories to run, each with ten simulated minutes of faults and a calm end (default 1000)
  --seed S    the first seed (default: random); without --seeds, only this one
  --trace     print the history of seed S, one line per event
  --broken    clocks beyond the assumptions: exclusion may fail, fencing may not
  --partitions  instead: members that share partitions, with five minutes of joins, ends and faults and four changes in calm
              weather (--seeds N, default 200)
  --sessions  instead: processes whose sessions hold many leases, with 40 leases of faults and three changes in calm weather
              (--seeds N, default 200)
  --jobs N    threads (default: one per core)
  --json      print one JSON object
  --mutants   instead: break the protocol one line at a time, and check that each fault is found
              (--seeds N: how many seeds for each, default 6000; --only NAME: only mutants whose name contains NAME;
              --remember: write down in test/mutants/hints.json what found each, to be tried first in the next run)

Exits with 1 if a promise was broken. It then prints the shortest trace that it found.
`;

/** At most this many violations are shrunk: one is enough to work on, and each takes some hundred runs. */
const SHRINK_AT_MOST = 3;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string" },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      broken: { type: "boolean", default: false },
      jobs: { type: "string" },
      json: { type: "boolean", default: false },
      mutants: { type: "boolean", default: false },
      only: { type: "string" },
      partitions: { type: "boolean", default: false },
      sessions: { type: "boolean", default: false },
      remember: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const jobs = whole("--jobs", values.jobs ?? String(availableParallelism()), 1);
  if (values.mutants) {
    const seeds = whole("--seeds", values.seeds ?? "6000", 1);
    const { only, remember } = values;
    if (only !== undefined && !MUTANTS.some(({ name }) => name.includes(only))) {
      throw new UsageError(`--only: no mutant has "${only}" in its name. Suggestion: ${MUTANTS[0]?.name}.`);
    }
    const result = await runMutants(jobs, seeds, { only, remember });
    process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : mutantsInWords(result));
    return result.survivors.length > 0 ? 1 : 0;
  }
  const first = whole("--seed", values.seed ?? String(Math.floor(Math.random() * 1e9)), 0);
  const kind: Kind = values.sessions ? "sessions" : values.partitions ? "partitions" : "elections";
  const several = kind === "elections" ? "1000" : "200";
  const seeds = whole("--seeds", values.seeds ?? (values.seed === undefined ? several : "1"), 1);
  const broken = values.broken && kind === "elections";
  useLightAbort();

  if (values.trace) {
    const trace = (line: string) => process.stdout.write(`${line}\n`);
    const run = await simulateOne(kind, { seed: first, broken, trace });
    return run.violation ? 1 : 0;
  }
  const tally = new Tally(kind, first, broken, jobs);
  const progress = new Progress("seeds", seeds);
  await simulateAll({ kind, from: first, count: seeds, broken }, jobs, (outcome) => {
    tally.add(outcome);
    progress.reached(tally.seeds);
  });
  progress.done();
  const report = tally.report();
  // What happens in the others is drawn while they run, so nothing can be left out.
  const toShrink = kind === "elections" ? report.violations.slice(0, SHRINK_AT_MOST) : [];
  for (const violation of toShrink) {
    const { plan, trace } = await shrink(planOf(violation.seed, { broken }), violation.promise);
    violation.shrunk = { candidates: plan.candidates.length, faults: plan.faults.length, trace };
  }
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : inWords(report));
  return report.violations.length > 0 ? 1 : 0;
}

class UsageError extends Error {}

function whole(option: string, given: string, least: number): number {
  const number = Number(given);
  if (given.trim() !== "" && Number.isSafeInteger(number) && number >= least && number < 2 ** 32)
    return number;
  throw new UsageError(`${option} must be a whole number from ${least}, not "${given}". Suggestion: 1000.`);
}

try {
  process.exitCode = await main();
} catch (error) {
  const code = String((error as NodeJS.ErrnoException).code ?? "");
  if (!(error instanceof UsageError) && !code.startsWith("ERR_PARSE_ARGS")) throw error;
  process.stderr.write(`simulate: ${(error as Error).message}\nTry --help.\n`);
  process.exitCode = 2;
}
