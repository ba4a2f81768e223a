import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";

/**
 * A process we start never outlives us, not even when we are killed with SIGKILL, and not even when it is
 * stopped at that moment. One helper process per parent holds a pipe from us; at its end it kills what is
 * still registered.
 */

/** Reads lines `+pid` and `-pid`; in a session of its own, so that a terminal's Ctrl-C does not reach it. */
const GUARD_PROGRAM = `
const pids = new Set();
let rest = "";
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.stdin.setEncoding("utf8").on("data", (text) => {
  const lines = (rest + text).split("\\n");
  rest = lines.pop();
  for (const line of lines) pids[line[0] === "+" ? "add" : "delete"](Number(line.slice(1)));
}).on("error", () => {}).on("close", () => {
  for (const pid of pids) try { process.kill(pid, "SIGKILL"); } catch {}
  process.exit();
});
`;

const guarded = new Set<number>();
let toGuard: Writable | undefined;

/**
 * Ties a child's life to ours, until it exits. With `group: true` its whole process group dies (for a
 * child spawned `detached`), so that what it started dies with it. Nothing of it keeps us alive.
 * @default group false
 */
export function dieWithUs(child: ChildProcess, { group = false } = {}): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const pid = group ? -child.pid : child.pid;
  guarded.add(pid);
  if (toGuard) tell(`+${pid}`);
  else startGuard();
  child.once("exit", () => {
    guarded.delete(pid);
    tell(`-${pid}`);
  });
}

function tell(line: string): void {
  toGuard?.write(`${line}\n`);
}

function startGuard(): void {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const guard = spawn(process.execPath, ["-e", GUARD_PROGRAM], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env,
  });
  const pipe = guard.stdin as Writable & { unref(): void };
  toGuard = pipe;
  for (const pid of guarded) tell(`+${pid}`);
  const ended = () => {
    if (toGuard === pipe) toGuard = undefined;
  };
  guard.once("error", ended);
  guard.once("exit", (_code, signal) => {
    ended();
    // Somebody killed it: another one. One that fails by itself would only fail again.
    if (signal && guarded.size > 0) startGuard();
  });
  // Its death is told by "exit"; what was written meanwhile, the next one is told anyway.
  pipe.on("error", () => {});
  guard.unref();
  pipe.unref();
}
