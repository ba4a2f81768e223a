import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Duplex } from "node:stream";
import { dieWithUs } from "../child-guard.js";
import type { Leadership } from "../index.js";
import { processWills } from "../last-will/process-wills.js";

/** A part of the lease. SIGKILL is sent this long before trust ends, so that the kernel has time for it. */
const KILL_NOTICE = 1 / 20;
/**
 * SIGTERM comes this long before trust would end. A renewal is sent each third of a lease and waits a quarter for its
 * answer, so one that fails leaves 0.9 − 1/3 − 1/4, more than this: it takes two in a row to stop the command.
 */
const TERM_NOTICE = 1 / 5;
/** Timers stand still while a machine is suspended: check this often, so that its end is noticed soon. */
const MAX_CHECK_MS = 1_000;

export interface End {
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
export async function serve(
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
  // If this process dies, its lease is given back when the command is dead too: the guard kills it.
  const wills = processWills();
  wills.waitFor("starting");
  const child = spawn(file, fileArgs, {
    stdio: ["inherit", "inherit", "inherit", gated ? "pipe" : "ignore"],
    // A process group of its own, so that what it starts ends with it.
    detached: true,
    env,
  });
  dieWithUs(child, { group: true });
  wills.waitFor(child.pid);
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

/** To the person at the terminal. The command has the output. */
export function say(text: string): void {
  process.stderr.write(`incumbent: ${text}\n`);
}
