import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { check } from "./checker.js";
import type { HistoryEvent } from "./history.js";
import { inWords, type Report, toJson } from "./report.js";
import { scheduleOf } from "./schedule.js";
import { findSkewedClocks } from "./skewed-clocks.js";
import { statisticsOf } from "./statistics.js";
import { torture } from "./torture.js";

const HELP = `npm run chaos -- [options]

Runs real worker processes on DynamoDB Local. They are killed, blocked, frozen, cut off, throttled and given wrong clocks. Then
a checker compares all that they saw and wrote with the promises.

  --minutes M   how long the faults last (default 1; may be a fraction)
  --seed S      decides which fault comes when (default: random); the processes still behave differently each time
  --workers N   how many workers (default 5)
  --lease MS    the lease (default: 2 to 3 seconds). Longer on a machine that is busy: all faults last longer with it
  --json        print one JSON object
  --keep FILE   write the history to this file, one JSON object per line

Exits with 1 if a promise was broken. It then prints the name of the history's file.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string" },
      workers: { type: "string", default: "5" },
      lease: { type: "string" },
      json: { type: "boolean", default: false },
      keep: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const minutes = number("--minutes", values.minutes, { least: 0.05, most: 1_440 });
  const workers = number("--workers", values.workers, { least: 1, most: 50, whole: true });
  const leaseMs =
    values.lease === undefined
      ? undefined
      : number("--lease", values.lease, { least: 1_000, most: 60_000, whole: true });
  const given = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
  const seed = number("--seed", given, { least: 0, most: 2 ** 32 - 1, whole: true });

  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => stop.abort(signal));
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  say(`seed ${seed}`);
  const skewEnv = await findSkewedClocks();
  if (!skewEnv) say("no wrong clocks: libfaketime was not found (apt install faketime)");
  const schedule = scheduleOf({ seed, minutes, workers, skews: skewEnv !== undefined, leaseMs });
  const { history, suffered } = await torture({
    seed,
    schedule,
    skewEnv,
    signal: stop.signal,
    onProgress,
  });
  onProgress(0, "");
  const verdict = check(history);
  const report: Report = { seed, minutes, workers, ...suffered, ...statisticsOf(history), ...verdict };
  process.stdout.write(`${values.json ? toJson(report) : inWords(report)}\n`);
  if (values.keep !== undefined) await keep(history, values.keep);
  if (report.violations.length === 0) return 0;
  const file =
    values.keep ?? join(await mkdtemp(join(tmpdir(), "incumbent-chaos-history-")), "history.jsonl");
  if (values.keep === undefined) await keep(history, file);
  const again = leaseMs === undefined ? "" : ` --lease ${leaseMs}`;
  say(`history: ${file}`);
  say(`again: npm run chaos -- --minutes ${minutes} --seed ${seed} --workers ${workers}${again}`);
  return 1;
}

function keep(history: readonly HistoryEvent[], file: string): Promise<void> {
  return writeFile(file, history.map((event) => `${JSON.stringify(event)}\n`).join(""));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** One line that is written over, on a terminal only. */
function onProgress(leftMs: number, what: string): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(what ? `\r${Math.ceil(leftMs / 1_000)} s left: ${what}\u001b[K` : "\r\u001b[K");
}

class UsageError extends Error {}

function number(
  option: string,
  given: string,
  { least, most, whole = false }: { least: number; most: number; whole?: boolean },
): number {
  const value = Number(given);
  const fits = given.trim() !== "" && value >= least && value <= most;
  if (fits && (!whole || Number.isInteger(value))) return value;
  const kind = whole ? "whole number" : "number";
  throw new UsageError(
    `${option} must be a ${kind} from ${least} to ${most}, not "${given}". Suggestion: ${Math.max(least, 1)}.`,
  );
}

/** What a shell expects of a program that was ended by a signal. */
const EXIT_CODES = new Map<unknown, number>([
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
]);

try {
  process.exitCode = await main();
} catch (error) {
  const { code = "", cause } = error as NodeJS.ErrnoException;
  const signalled = EXIT_CODES.get(cause);
  if (signalled === undefined && !(error instanceof UsageError) && !code.startsWith("ERR_PARSE_ARGS"))
    throw error;
  if (signalled === undefined) say(`chaos: ${(error as Error).message} Try --help.`);
  process.exitCode = signalled ?? 2;
}
