import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";

export const onLinux = process.platform === "linux";

/** By `ps`, which is everywhere: the processes whose parent this is. */
export function childrenOf(parent: number): number[] {
  const rows = execFileSync("ps", ["-axo", "pid=,ppid=,command="], { encoding: "utf8" }).trim().split("\n");
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, ppid, ...command]) => Number(ppid) === parent && !command.join(" ").startsWith("ps "))
    .map(([pid]) => Number(pid));
}

export const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** A process that ended but was not yet fetched by its parent (init may take its time) does not run. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (!onLinux) return true;
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Whether it handles this signal. Linux only. */
export function isListeningTo(pid: number, signal: NodeJS.Signals): boolean {
  const caught = /SigCgt:\s*(\w+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
  return ((BigInt(`0x${caught}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}
