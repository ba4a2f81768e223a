import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { arch, platform } from "node:os";
import { join, relative } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Arguments, HELP, parse, UsageError } from "./arguments.js";
import { explanation, findRegion, type Place, placeOf, SetupError } from "./connect.js";
import { isLeft, LEFT_AFTER_MS, type RunTable, remove, runTables } from "./leftovers.js";
import { MAX_UNITS, PACE, planInWords, RUN_WITHIN_MS } from "./plan.js";
import { recheck } from "./recheck.js";
import { type RequestSample, record } from "./recorder.js";
import { overallOf, type Report } from "./report.js";
import { run } from "./run.js";
import { describe } from "./run-table.js";
import { removeOldRows } from "./workspace.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What a shell expects of a program that was ended by a signal. */
const CODES: ReadonlyMap<NodeJS.Signals, number> = new Map([
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const);
const ONE_SIGNAL_MS = 2_000;

async function main(): Promise<number> {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (options.check !== undefined) {
    if (!existsSync(join(options.check, "report.json"))) {
      const rule = "--check must be the folder of a report, with its report.json";
      throw new UsageError(`${rule}, not "${options.check}". Suggestion: reports/verify-aws-<time>.`);
    }
    const { lines, agrees } = recheck(options.check);
    say(lines.join("\n"));
    return agrees ? 0 : 1;
  }
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const region = await findRegion(options.region);
  const client = new DynamoDBClient({ region });
  const place = placeOf(client, region);
  const samples: RequestSample[] = [];
  record(client, samples);
  try {
    if (options.table) await describe(client, options.table.name);
    if (options.clean && options.table) return await cleanRows(client, options.table.name);
    const others = options.table ? [] : await runTables(client, samples);
    return await (options.clean
      ? clean(client, others, options)
      : verify(client, others, options, region, place()));
  } catch (error) {
    const isOurs = [UsageError, SetupError, TypeError, RangeError].some((kind) => error instanceof kind);
    if (isOurs) throw error;
    throw new SetupError(explanation(error));
  }
}

async function verify(
  client: DynamoDBClient,
  others: readonly RunTable[],
  options: Arguments,
  region: string,
  place: Place,
): Promise<number> {
  const { quick, candidateProfile, seed, table } = options;
  const where = place.region ? `in ${place.region}` : `against ${place.endpoint}, which is not AWS`;
  say(planInWords(where, { quick, table: table?.name, policies: candidateProfile !== undefined && !table }));
  if (!(await agreed("Go on?", options))) return 2;
  if (table) await removeOldRows(client, table.name, LEFT_AFTER_MS);
  const left = others.filter(isLeft);
  for (const { name } of left) say(`an earlier run has left the table ${name}: it is removed`);
  const stuck = await remove(client, left);
  for (const name of stuck) say(`the table ${name} could not be removed`);

  const stop = endOnSignals();
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const folder = `${ROOT}reports/verify-aws-${stamp}`;
  const report = await run({
    ...{
      connection: { region },
      table,
      candidateProfile,
      seed,
      folder,
      say,
      progress,
      pace: PACE,
      maxUnits: MAX_UNITS,
    },
    wait: quick ? undefined : (ms, signal) => delay(ms, undefined, { signal }),
    signal: AbortSignal.any([stop, AbortSignal.timeout(RUN_WITHIN_MS)]),
    about: about(place),
  });
  progress("");
  say(`\n${overallOf(report)}. The report: ${relative(process.cwd(), folder)}/report.md`);
  if (report.left !== undefined)
    say(`This could not be removed: ${report.left}. Run this again with --clean.`);
  return CODES.get(stop.reason) ?? (overallOf(report) === "PASSED" ? 0 : 1);
}

/** Aborts at a signal, and when the process that started this one is gone. */
function endOnSignals(): AbortSignal {
  const stop = new AbortController();
  let firstMs = Number.POSITIVE_INFINITY;
  for (const [signal, code] of CODES) {
    process.on(signal, () => {
      // npm passes on what a terminal has sent already. Once more later: at once, and the other process removes all.
      if (performance.now() - firstMs > ONE_SIGNAL_MS) process.exit(code);
      if (stop.signal.aborted) return;
      firstMs = performance.now();
      say(`\n${signal}: what the run made is removed, and what is known so far is written down`);
      stop.abort(signal);
    });
  }
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || stop.abort("SIGHUP"), 1_000).unref();
  return stop.signal;
}

async function cleanRows(client: DynamoDBClient, tableName: string): Promise<number> {
  const rows = await removeOldRows(client, tableName, LEFT_AFTER_MS);
  say(`${rows} rows of runs that began over an hour ago are deleted.`);
  return 0;
}

async function clean(
  client: DynamoDBClient,
  tables: readonly RunTable[],
  options: Arguments,
): Promise<number> {
  if (tables.length === 0) {
    say("No run has left a table in this Region.");
    return 0;
  }
  for (const { name, ageMs } of tables) say(`${name}, ${Math.round(ageMs / 60_000)} minutes old`);
  if (!(await agreed("Delete them? A run that still goes on would fail.", options))) return 2;
  const stuck = await remove(client, tables);
  say(stuck.length === 0 ? "They are deleted." : `These could not be deleted: ${stuck.join(", ")}`);
  return stuck.length === 0 ? 0 : 1;
}

async function agreed(question: string, { yes }: Arguments): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) throw new UsageError("Nobody can be asked here. Suggestion: --yes.");
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

function about({ region, endpoint }: Place): Report["about"] {
  const version = (path: string) =>
    (JSON.parse(readFileSync(`${ROOT}${path}/package.json`, "utf8")) as { version: string }).version;
  return {
    region,
    endpoint: region === undefined ? endpoint : undefined,
    incumbent: version("."),
    commit: commit(),
    node: process.version,
    sdk: version("node_modules/@aws-sdk/client-dynamodb"),
    platform: `${platform()} ${arch()}`,
  };
}

function commit(): string {
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return `${git("rev-parse", "--short", "HEAD")}${changed ? " with changes" : ""}`;
  } catch {
    return "unknown";
  }
}

function say(line: string): void {
  progress("");
  process.stdout.write(`${line}\n`);
}

/** One line that is written over, on a terminal only. */
function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(what ? `\r… ${what}\u001b[K` : "\r\u001b[K");
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError || error instanceof SetupError)) throw error;
  process.stderr.write(`verify:aws: ${error.message}${error instanceof UsageError ? " Try --help." : ""}\n`);
  process.exitCode = 2;
}
