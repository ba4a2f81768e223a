import { execFileSync } from "node:child_process";

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
