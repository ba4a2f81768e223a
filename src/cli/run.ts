import { constants } from "node:os";
import { defineCommand } from "citty";
import { sleep } from "../async.js";
import { systemClock } from "../clock.js";
import { Election, type ElectionEvent } from "../index.js";
import { newClient, tableArgs } from "./client.js";
import { say, serve } from "./serve.js";
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

export const notes = `The command gets three variables: INCUMBENT_TERM (its fencing token), INCUMBENT_ELECTION and INCUMBENT_CANDIDATE_ID.

When the leadership ends, the command and all processes that it started get SIGTERM, and then SIGKILL, before another
candidate can lead. When this candidate leads again, it runs the command again.

SIGTERM, SIGINT or SIGHUP to this process stops the command and gives the lease back. In a service, start
node_modules/.bin/incumbent and not npx, because npx does not pass SIGTERM on.

The exit code is the exit code of the command, 128 + signal if the command was killed, 127 if it was not found, and 126
if it cannot be run. If a signal stops this process while no command runs, the exit code is 128 + signal.

If this process is killed, the command is killed, and then the lease is given back. Where nothing outlives this process,
for example when it is PID 1 of a container, the lease runs out.

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
      lastWill: true,
      onEvent,
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

function onEvent(event: ElectionEvent): void {
  if (event.type !== "last-will-unavailable") return;
  say(`if this process dies, the lease runs out, because this does not work here: ${event.part}`);
}
