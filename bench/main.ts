import { writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { LocalTableUnavailableError } from "../src/testing/index.js";
import { blocked } from "./blocked.js";
import { chartsOf } from "./chart.js";
import { companion } from "./companion.js";
import { crash } from "./crash.js";
import { fairness } from "./fairness.js";
import { handOff } from "./hand-off.js";
import { Laboratory } from "./laboratory.js";
import { lastWill } from "./last-will.js";
import { LEASE_MS, RENEW_MS } from "./messages.js";
import { partitions } from "./partitions.js";
import { bundleWorkers, installPeer } from "./programs.js";
import { Progress } from "./progress.js";
import { inWords, type Report, type Row } from "./report.js";
import { requests } from "./requests.js";
import { sessions } from "./sessions.js";

const PARTS: Record<string, (laboratory: Laboratory, trials: number) => Promise<Row[]>> = {
  crash,
  "last-will": lastWill,
  companion,
  blocked,
  "hand-off": handOff,
  requests,
  fairness,
  partitions,
  sessions,
};

const HELP = `npm run bench -- [options]

Runs real worker processes on one DynamoDB Local. The lease is ${LEASE_MS / 1_000} s, renewed every ${RENEW_MS / 1_000} s. Compares figures with their targets:

  crash      from kill -9 of the leader at a random moment to the start of the next leader's work
  last-will  the same with lastWill and the default lease of 15 s, by ways to die; a third of the trials
  companion  memory and CPU of the companion process of a last will, and whether it delays the first election
  blocked    leaderships lost while the main thread is blocked for ten leases, with a heartbeat in a thread and without
  hand-off   how long no work is done at a planned end; twice the trials
  requests   how many requests twelve candidates send, and how many of them try to acquire a free lease
  fairness   a hundred rotations among five candidates
  partitions 64 partitions, 8 members: what moves when one joins, leaves or is killed, and how long that takes; a fifth of the trials
  sessions   one process with 1 to 10,000 leases under a session, and two that wait: requests, CPU, memory, the time to acquire
             all and to take all over, fenced writes, and a month's price; a fiftieth of the trials, 10 minutes each

Another library, dynamodb-lock-client (the peer), runs in the same trials. The first run installs it into bench/peers.

  --trials N   how many trials of each crash and hand-off (default 50: about an hour)
  --only NAME  only one of them: crash, last-will, companion, blocked, hand-off, requests, fairness, partitions or sessions
  --json       print one JSON object with each sample
  --svg FILE   also draw the figures of sessions into this file

Exits with 1 if a target was missed. Other work on the machine changes the figures.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      trials: { type: "string", default: "50" },
      only: { type: "string" },
      svg: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const trials = trialsOf(values.trials);
  const parts = partsOf(values.only);
  if (values.svg !== undefined && !parts.includes("sessions"))
    throw new UsageError(
      "--svg needs the part sessions, which --only leaves out. Suggestion: --only sessions.",
    );
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const startedMs = performance.now();
  const progress = new Progress();
  const [workers, peer] = await Promise.all([bundleWorkers(), installPeer()]);
  const programs = { ...workers, peer: "program" in peer ? peer.program : undefined };
  const rows: Row[] = [];
  await using laboratory = await Laboratory.open(programs, progress);
  for (const part of parts) rows.push(...((await PARTS[part]?.(laboratory, trials)) ?? []));
  progress.end();
  const report: Report = {
    leaseMs: LEASE_MS,
    renewMs: RENEW_MS,
    trials,
    node: process.version,
    cores: availableParallelism(),
    load: Math.round((loadavg()[2] ?? 0) * 10) / 10,
    minutes: Math.round((performance.now() - startedMs) / 6_000) / 10,
    peerMissing: "missing" in peer ? peer.missing : undefined,
    rows,
  };
  if (values.svg !== undefined) drawInto(values.svg, rows);
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : inWords(report));
  return rows.some(({ met }) => met === false) ? 1 : 0;
}

function drawInto(file: string, rows: readonly Row[]): void {
  const svg = chartsOf(rows, "Leases under one session", "leases of one process");
  if (svg !== undefined) writeFileSync(file, svg);
}

class UsageError extends Error {}

function trialsOf(given: string): number {
  const trials = Number(given);
  if (given.trim() !== "" && Number.isInteger(trials) && trials >= 1 && trials <= 10_000) return trials;
  throw new UsageError(`--trials must be a whole number from 1 to 10000, not "${given}". Suggestion: 50.`);
}

function partsOf(only: string | undefined): string[] {
  const parts = Object.keys(PARTS);
  if (only === undefined) return parts;
  if (parts.includes(only)) return [only];
  throw new UsageError(`--only must be one of ${parts.join(", ")}, not "${only}". Suggestion: crash.`);
}

/** The exit codes that a shell expects after a signal. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
for (const [signal, code] of Object.entries(EXIT_CODES)) process.once(signal, () => process.exit(code));

try {
  process.exitCode = await main();
} catch (error) {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const isTheirs = error instanceof UsageError || code.startsWith("ERR_PARSE_ARGS");
  process.stderr.write(`bench: ${(error as Error).message}${isTheirs ? "\nTry --help." : ""}\n`);
  process.exitCode = isTheirs || error instanceof LocalTableUnavailableError ? 2 : 1;
}
