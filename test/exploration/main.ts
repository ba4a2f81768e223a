import { parseArgs } from "node:util";
import { type Bounds, FULL } from "./bounds.js";
import { count, Progress } from "./progress.js";
import { type Explored, explore } from "./search.js";

const HELP = `npm run explore -- [options]

Runs the real rules of the protocol in every interleaving of two and of three candidates, within bounds: delays,
crashes, last wills, lost answers, late and repeated requests, evictions, deleted rows, wrong clocks. It is complete,
not a sample.

  --candidates N   2 or 3 candidates only (default: both)
  --max-states N   stop a search after this many states (default: no limit)
  --minutes M      stop a search after this time (default: no limit)
  --json           print one JSON array with one entry per search

Exits with 1 if a promise was broken. It then prints the shortest history that breaks it.
`;

type Report = Explored & { readonly name: string; readonly seconds: number; readonly bounds: Bounds };

function main(): number {
  const { values } = parseArgs({
    options: {
      candidates: { type: "string" },
      "max-states": { type: "string" },
      minutes: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const candidates = values.candidates;
  if (candidates !== undefined && candidates !== "2" && candidates !== "3") {
    throw new UsageError(`--candidates must be 2 or 3, not "${candidates}". Suggestion: 2.`);
  }
  const maxStates = positive("--max-states", values["max-states"]);
  const minutes = positive("--minutes", values.minutes);
  const chosen = FULL.filter((one) => candidates === undefined || one.candidates === Number(candidates));
  const reports = chosen.map(({ name, ...bounds }): Report => {
    const label = `${bounds.candidates} candidates, ${name}`;
    const progress = new Progress(label);
    const startMs = performance.now();
    const explored = explore({
      ...bounds,
      maxStates,
      maxSeconds: minutes && minutes * 60,
      progress: (reached) => progress.reached(reached),
    });
    progress.done();
    const seconds = Math.round((performance.now() - startMs) / 100) / 10;
    const report = { name, ...explored, seconds, bounds };
    if (!values.json) process.stdout.write(inWords(report));
    return report;
  });
  if (values.json) process.stdout.write(`${JSON.stringify(reports)}\n`);
  return reports.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

function inWords({
  candidates,
  name,
  states,
  transitions,
  depth,
  seconds,
  complete,
  violations,
}: Report): string {
  const size = `${count(states)} states, ${count(transitions)} transitions, depth ${depth}, ${seconds} s`;
  const story = violations.flatMap(({ promise, trace }) => [`✗ ${promise}`, ...trace]);
  const end =
    violations.length > 0 ? story : [complete ? "✓ every promise holds in all states" : "NOT COMPLETE"];
  return [`${candidates} candidates, ${name}: ${size}`, ...end, ""].join("\n");
}

class UsageError extends Error {}

function positive(option: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const number = Number(given);
  if (given.trim() !== "" && Number.isFinite(number) && number > 0) return number;
  throw new UsageError(`${option} must be a number above 0, not "${given}". Suggestion: 10.`);
}

try {
  process.exitCode = main();
} catch (error) {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (!(error instanceof UsageError) && !code.startsWith("ERR_PARSE_ARGS")) throw error;
  process.stderr.write(`explore: ${(error as Error).message}\nTry --help.\n`);
  process.exitCode = 2;
}
