import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";

/**
 * A process that we start never outlives us, even when we are killed with SIGKILL, and even when it is stopped at that
 * moment. One helper process per parent reads a pipe from us. When the pipe ends, it kills all registered processes.
 */

/** Reads lines `+pid` and `-pid`. It has its own session, so that a terminal's Ctrl-C does not reach it. */
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
 * Makes sure that a child ends when this process ends. With `group: true` its whole process group ends (for a child
 * that is spawned `detached`). It does not keep this process alive.
 * @param options `group`. @default false
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
  // Bun's pipe has no `unref`, and does not keep a process alive.
  const pipe = guard.stdin as Writable & { unref?(): void };
  toGuard = pipe;
  for (const pid of guarded) tell(`+${pid}`);
  const ended = () => {
    if (toGuard === pipe) toGuard = undefined;
  };
  guard.once("error", ended);
  guard.once("exit", (_code, signal) => {
    ended();
    // Somebody killed the helper, so start another one. A helper that fails by itself would fail again.
    if (signal && guarded.size > 0) startGuard();
  });
  // "exit" reports its death, and the next helper gets all registrations.
  pipe.on("error", () => {});
  guard.unref();
  pipe.unref?.();
}
