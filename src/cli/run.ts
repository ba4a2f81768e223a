import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Writable } from "node:stream";
import { defineCommand } from "citty";
import { dieWithUs } from "../guardian.js";
import { Election, type Leadership } from "../index.js";
import { newClient, tableArgs } from "./client.js";
import { refuseUnknown, UsageError, wholeNumber } from "./usage.js";

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
    description: "Readable part of the candidate's id. (Default: host name and process id)",
  },
  value: { type: "string", valueHint: "text", description: "Published while leading, such as an endpoint." },
  "kill-after-ms": {
    type: "string",
    valueHint: "ms",
    description:
      "How long the command may take to stop after SIGTERM on a planned end, in milliseconds, 0 to 3600000; the " +
      "lease is kept for it meanwhile. (Default: 10000)",
  },
} as const;

/** Time between the kill and the end of trust in which the kernel ends the command. */
const KILL_NOTICE = 1 / 20;
/** SIGTERM comes this long before trust would end, as a part of the lease, when renewals fail. */
const TERM_NOTICE = 1 / 5;

export const notes = `The command finds INCUMBENT_TERM (its fencing token), INCUMBENT_ELECTION and INCUMBENT_CANDIDATE_ID in
its environment. When leadership ends, it and all it started get SIGTERM, and SIGKILL before the lease can pass on;
it is run again when this candidate leads again. Ends with the command's exit code: 128 + signal if it was killed,
127 if it was not found. SIGTERM or SIGINT to this process stops the command and gives the lease back.

If this process is frozen while the command goes on, only a store that checks INCUMBENT_TERM is safe.

  incumbent run billing/nightly -- python3 job.py
`;

export const run = defineCommand({
  meta: {
    name: "run",
    description: "Runs a command, in any language, only while leading: run <election> -- <command> …",
  },
  args,
  async run({ args: given, rawArgs }) {
    refuseUnknown(rawArgs, args);
    const split = rawArgs.indexOf("--");
    const [command, ...commandArgs] = split < 0 ? [] : rawArgs.slice(split + 1);
    if (!given.election || given.election === command || command === undefined) {
      throw new UsageError(
        "run: needs an election and a command: incumbent run billing/nightly -- python3 job.py",
      );
    }
    const leaseDurationMs = wholeNumber("lease-ms", given["lease-ms"], {
      least: 1_000,
      most: 86_400_000,
      wouldDo: 15_000,
    });
    const killAfterMs =
      wholeNumber("kill-after-ms", given["kill-after-ms"], { least: 0, most: 3_600_000, wouldDo: 10_000 }) ??
      10_000;
    const election = new Election({
      client: newClient(given.endpoint),
      tableName: given.table,
      name: given.election,
      label: given.label,
      value: given.value,
      leaseDurationMs,
      // The command is gone by then: the lease need never be left to run out.
      drainTimeoutMs: killAfterMs + 5_000,
    });
    const stop = new AbortController();
    let stoppedBy: NodeJS.Signals | undefined;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        stoppedBy ??= signal;
        stop.abort();
      });
    }
    say(`${election.candidateId} campaigns for "${election.name}"`);
    const leaseMs = leaseDurationMs ?? 15_000;
    const code = await election.lead(
      (leadership) => serve(leadership, command, commandArgs, { killAfterMs, leaseMs }),
      { signal: stop.signal },
    );
    process.exit(code ?? (stoppedBy ? 128 + constants.signals[stoppedBy] : 0));
  },
});

/**
 * Holds the command back until it is known to die with us: killed between its start and that moment, we
 * would leave it running. Ends by itself when the gate is closed before it opens.
 */
const GATE = `
read -r go <&3 || exit 1
exec 3<&-
command -v "$1" > /dev/null || { echo "incumbent: $1 cannot be started: not found" >&2; exit 127; }
exec "$@"
`;

/** The command's whole life under one term. Resolves when it and its process group are gone. */
async function serve(
  leadership: Leadership,
  command: string,
  commandArgs: string[],
  { killAfterMs, leaseMs }: { killAfterMs: number; leaseMs: number },
): Promise<number> {
  const { term, election, candidateId } = leadership;
  say(`leading "${election}", term ${term}`);
  const child = spawn("sh", ["-c", GATE, "sh", command, ...commandArgs], {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    // A process group of its own, so that what it starts ends with it.
    detached: true,
    env: {
      ...process.env,
      INCUMBENT_TERM: String(term),
      INCUMBENT_ELECTION: election,
      INCUMBENT_CANDIDATE_ID: candidateId,
    },
  });
  dieWithUs(child, { group: true });
  const gate = child.stdio[3] as Writable;
  gate.on("error", () => {});
  gate.end("go\n");
  const ended = new Promise<number>((resolve) => {
    child.once("error", (error) => {
      say(`${command} cannot be started: ${error.message}`);
      resolve(126);
    });
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));
  });
  const watch = keepWithinTrust(leadership, child, { killAfterMs, leaseMs });
  const code = await ended;
  watch.stop();
  // What the command left behind in its group must not work on without leadership.
  signalGroup(child, "SIGKILL");
  if (!leadership.signal.aborted) return code;
  say(`term ${term} ended: ${(leadership.signal.reason as Error).message} The command ended with ${code}.`);
  return code;
}

/**
 * SIGTERM at a planned end, or some time before trust would end for want of a renewal; SIGKILL after
 * `killAfterMs`, and in any case while trust is left. After a freeze of ours both are long due, and come at once.
 */
function keepWithinTrust(
  leadership: Leadership,
  child: ChildProcess,
  { killAfterMs, leaseMs }: { killAfterMs: number; leaseMs: number },
): { stop(): void } {
  let told = false;
  let killAtMs = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    clearTimeout(timer);
    const leftMs = leadership.remainingMs();
    if (leftMs <= leaseMs * KILL_NOTICE || performance.now() >= killAtMs) {
      signalGroup(child, "SIGKILL");
      return;
    }
    if (!told && (leadership.signal.aborted || leftMs <= leaseMs * TERM_NOTICE)) {
      told = true;
      killAtMs = performance.now() + killAfterMs;
      signalGroup(child, "SIGTERM");
    }
    const nextMs = leftMs - leaseMs * (told ? KILL_NOTICE : TERM_NOTICE);
    timer = setTimeout(look, Math.max(1, Math.min(nextMs, killAtMs - performance.now())));
  };
  leadership.signal.addEventListener("abort", look);
  look();
  return {
    stop() {
      clearTimeout(timer);
      leadership.signal.removeEventListener("abort", look);
    },
  };
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
