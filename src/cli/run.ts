import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Duplex } from "node:stream";
import { defineCommand } from "citty";
import { sleep } from "../async.js";
import { dieWithUs } from "../child-guard.js";
import { systemClock } from "../clock.js";
import { Election, type Leadership } from "../index.js";
import { newClient, tableArgs } from "./client.js";
import { refuseMissingValue, refuseUnknown, UsageError, wholeNumber } from "./usage.js";

const args = {
  election: { type: "positional", description: "The election's name.", required: false },
  ...tableArgs,
  "lease-ms": {
    type: "string",
    valueHint: "ms",
    description:
      "How long a lease lasts without renewal, in milliseconds, 1000 to 86400000. (Default: 15000)",
  },
  label: {
    type: "string",
    valueHint: "label",
    description:
      "Readable part of the candidate's id. (Default: ECS task id, pod name, or host name and process id)",
  },
  value: {
    type: "string",
    valueHint: "text",
    description: "A text that is published while leading, such as an endpoint; at most 1024 characters.",
  },
  "standby-poll-ms": {
    type: "string",
    valueHint: "ms",
    description:
      "How often the first in line looks whether the lease was given back, in milliseconds, 50 to a third of the lease. " +
      "Then the processes keep a line, in the order of their start. (Default: no line; each looks once per renewal)",
  },
  "kill-after-ms": {
    type: "string",
    valueHint: "ms",
    description:
      "At a planned end: how long the command may take to stop after SIGTERM, in milliseconds, 0 to 3600000. The " +
      "lease is kept during this time. (Default: 10000)",
  },
  once: {
    type: "boolean",
    description: "Exit after the first leadership, even if it was lost. (Default: campaign again)",
  },
  keep: {
    type: "boolean",
    description:
      "If the command exits by itself, campaign and run it again after a third of the lease. (Default: exit too)",
  },
} as const;

const DEFAULT_LEASE_MS = 15_000;
const DEFAULT_KILL_AFTER_MS = 10_000;

/** A part of the lease. SIGKILL is sent this long before trust ends, so that the kernel has time for it. */
const KILL_NOTICE = 1 / 20;
/**
 * SIGTERM comes this long before trust would end. A renewal is sent each third of a lease and waits a quarter for its
 * answer, so one that fails leaves 0.9 − 1/3 − 1/4, more than this: it takes two in a row to stop the command.
 */
const TERM_NOTICE = 1 / 5;
/** Timers stand still while a machine is suspended: check this often, so that its end is noticed soon. */
const MAX_CHECK_MS = 1_000;

export const notes = `The command gets three variables: INCUMBENT_TERM (its fencing token), INCUMBENT_ELECTION and INCUMBENT_CANDIDATE_ID.

When the leadership ends, the command and all processes that it started get SIGTERM, and then SIGKILL, before another
candidate can lead. When this candidate leads again, it runs the command again.

SIGTERM, SIGINT or SIGHUP to this process stops the command and gives the lease back. In a service, start
node_modules/.bin/incumbent and not npx, because npx does not pass SIGTERM on.

The exit code is the exit code of the command, 128 + signal if the command was killed, 127 if it was not found, and 126
if it cannot be run. If a signal stops this process while no command runs, the exit code is 128 + signal.

If this process is frozen for longer than its lease while the command continues, nothing can stop the command until this
process runs again. Then it kills the command at once. Until then only a store that checks INCUMBENT_TERM is safe.

  incumbent run billing/nightly -- python3 job.py
`;

export const run = defineCommand({
  meta: {
    name: "run",
    description:
      "Runs a command, in any language, only while this process leads: run <election> -- <command> …",
  },
  args,
  async run({ args: given, rawArgs }) {
    refuseUnknown(rawArgs, args);
    refuseMissingValue(rawArgs, args);
    const split = rawArgs.indexOf("--");
    const commandLine = split < 0 ? [] : rawArgs.slice(split + 1);
    const [command, ...commandArgs] = commandLine;
    // citty counts the words on both sides of "--". One of them must be ours.
    if (command === undefined || !given.election || given._.length - commandLine.length !== 1) {
      throw new UsageError(
        "run: needs an election and a command: incumbent run billing/nightly -- python3 job.py",
      );
    }
    if (given.once && given.keep)
      throw new UsageError("run: --once and --keep exclude each other; leave one of them out.");
    const leaseDurationMs = wholeNumber("lease-ms", given["lease-ms"], {
      min: 1_000,
      max: 86_400_000,
      suggestion: DEFAULT_LEASE_MS,
    });
    const leaseMs = leaseDurationMs ?? DEFAULT_LEASE_MS;
    const standbyPollMs = wholeNumber("standby-poll-ms", given["standby-poll-ms"], {
      min: 50,
      max: Math.floor(leaseMs / 3),
      suggestion: Math.min(250, Math.floor(leaseMs / 3)),
    });
    const killAfterMs =
      wholeNumber("kill-after-ms", given["kill-after-ms"], {
        min: 0,
        max: 3_600_000,
        suggestion: DEFAULT_KILL_AFTER_MS,
      }) ?? DEFAULT_KILL_AFTER_MS;
    const election = new Election({
      client: newClient(given.endpoint),
      tableName: given.table,
      name: given.election,
      label: given.label,
      value: given.value,
      leaseDurationMs: leaseMs,
      ...(standbyPollMs !== undefined && { succession: "arrival", tuning: { standbyPollMs } }),
      // Half of it is for the announcement. In the other half the command is gone, and the lease is given back.
      stopTimeoutMs: 2 * (killAfterMs + 5_000),
    });
    const stop = new AbortController();
    let stoppedBy: NodeJS.Signals | undefined;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        stoppedBy ??= signal;
        stop.abort();
      });
    }
    // npx ends on SIGTERM and leaves what it started behind.
    if (process.env.npm_command === "exec") {
      say(
        "npx does not pass SIGTERM on. Where a service manager stops this, start node_modules/.bin/incumbent instead",
      );
    }
    say(`${election.candidateId} campaigns for "${election.name}"`);
    for (;;) {
      const end = await election.lead(
        async (leadership) => {
          const end = await serve(leadership, command, commandArgs, { killAfterMs, leaseMs });
          if (given.once || end.why === "not started") stop.abort();
          return end;
        },
        // A signal means that the command should stop now.
        { signal: stop.signal, announce: false },
      );
      if (!end || stop.signal.aborted || (end.why === "by itself" && !given.keep)) {
        process.exit(end?.code ?? (stoppedBy ? 128 + constants.signals[stoppedBy] : 0));
      }
      // So another candidate can lead, and a command that fails at once does not run in a tight loop.
      if (end.why === "by itself") await sleep(systemClock, leaseMs / 3, stop.signal).catch(() => {});
    }
  },
});

interface End {
  readonly code: number;
  /** `stopped`: by us, although the leadership may have recovered. Then it must run again. */
  readonly why: "by itself" | "stopped" | "not started";
}

/**
 * Delays the command until it is sure to die with this process. If this process were killed before that, the command
 * would go on. The gate ends by itself when it is closed before it opens, and reports a command that does not exist.
 */
const GATE = `
read -r go <&3 || exit 1
command -v "$1" > /dev/null || { echo missing >&3; exit 127; }
exec 3>&-
exec "$@"
`;

/** A shell drops variables with other names, but the command must get them. Then there is no gate. */
function canPassShell(env: NodeJS.ProcessEnv): boolean {
  return Object.keys(env).every((name) => /^[A-Za-z_]\w*$/.test(name));
}

/** Runs the command under one term. Resolves when it has ended and the processes that it left behind were killed. */
async function serve(
  leadership: Leadership,
  command: string,
  commandArgs: string[],
  { killAfterMs, leaseMs }: { killAfterMs: number; leaseMs: number },
): Promise<End> {
  const { term, election, candidateId } = leadership;
  say(`leading "${election}", term ${term}`);
  const env = {
    ...process.env,
    INCUMBENT_TERM: String(term),
    INCUMBENT_ELECTION: election,
    INCUMBENT_CANDIDATE_ID: candidateId,
  };
  const gated = canPassShell(env);
  const [file, fileArgs] = gated
    ? ["sh", ["-c", GATE, "sh", command, ...commandArgs]]
    : [command, commandArgs];
  const child = spawn(file, fileArgs, {
    stdio: ["inherit", "inherit", "inherit", gated ? "pipe" : "ignore"],
    // A process group of its own, so that what it starts ends with it.
    detached: true,
    env,
  });
  dieWithUs(child, { group: true });
  let missing = false;
  const gate = child.stdio[3] as Duplex | null;
  gate
    ?.on("error", () => {})
    .on("data", () => {
      missing = true;
    });
  gate?.end("go\n");
  const ended = new Promise<End>((resolve) => {
    child.once("error", ({ code }: NodeJS.ErrnoException) => {
      const notFound = code === "ENOENT" || code === "ENOTDIR";
      say(`the command cannot be started: ${notFound ? notFoundHint(command) : (code ?? "unknown error")}`);
      resolve({ code: notFound ? 127 : 126, why: "not started" });
    });
    child.once("close", (code, signal) => {
      if (missing) say(`the command cannot be started: ${notFoundHint(command)}`);
      resolve({
        code: code ?? 128 + constants.signals[signal ?? "SIGKILL"],
        why: missing ? "not started" : "by itself",
      });
    });
  });
  const watch = keepWithinTrust(leadership, child, { killAfterMs, leaseMs });
  const end = await ended;
  watch.stop();
  // Processes that the command left in its group must not work without the leadership.
  signalGroup(child, "SIGKILL");
  if (leadership.signal.aborted) {
    say(
      `term ${term} ended: ${(leadership.signal.reason as Error).message} The command ended with ${end.code}.`,
    );
  } else if (watch.stopping) {
    say(`term ${term} ended: no renewal was confirmed in time. The command ended with ${end.code}.`);
  }
  return watch.stopping && end.why === "by itself" ? { ...end, why: "stopped" } : end;
}

/**
 * Sends SIGTERM at a planned end, or some time before trust ends because no renewal was confirmed. Sends SIGKILL after
 * `killAfterMs`, and in any case while trust is left. After a freeze of this process both are sent at once.
 */
function keepWithinTrust(
  leadership: Leadership,
  child: ChildProcess,
  { killAfterMs, leaseMs }: { killAfterMs: number; leaseMs: number },
): { readonly stopping: boolean; stop(): void } {
  let stopping = false;
  let killAtMs = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const check = () => {
    clearTimeout(timer);
    const leftMs = leadership.remainingMs();
    if (leftMs <= leaseMs * KILL_NOTICE || performance.now() >= killAtMs) {
      stopping = true;
      signalGroup(child, "SIGKILL");
      return;
    }
    if (!stopping && (leadership.signal.aborted || leftMs <= leaseMs * TERM_NOTICE)) {
      stopping = true;
      killAtMs = performance.now() + killAfterMs;
      signalGroup(child, "SIGTERM");
    }
    const nextMs = leftMs - leaseMs * (stopping ? KILL_NOTICE : TERM_NOTICE);
    timer = setTimeout(check, Math.max(1, Math.min(nextMs, killAtMs - performance.now(), MAX_CHECK_MS)));
  };
  leadership.signal.addEventListener("abort", check);
  check();
  return {
    get stopping() {
      return stopping;
    },
    stop() {
      clearTimeout(timer);
      leadership.signal.removeEventListener("abort", check);
    },
  };
}

/** Does not repeat the command: it may be `PASSWORD=… job`. */
function notFoundHint(command: string): string {
  const assigns = /^[A-Za-z_]\w*=/.test(command);
  return assigns ? 'not found; variables go after "env": -- env NAME=value command' : "not found";
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

function say(text: string): void {
  process.stderr.write(`incumbent: ${text}\n`);
}
