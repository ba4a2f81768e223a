import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Contest } from "./contest.js";
import type { Laboratory } from "./laboratory.js";
import type { Row } from "./report.js";
import { median, rounded } from "./statistics.js";

/** No renewal, and so no new will, falls into the time in which the companion is idle. */
const TIMES = { leaseMs: 180_000, renewMs: 60_000 };
const SETTLE_MS = 10_000;
const IDLE_MS = 20_000;
/** The kernel counts CPU time in hundredths of a second. */
const TICK_MS = 10;
const TARGET = { residentMB: 64, cpuMs: TICK_MS, delayMs: 25 };

/** What the companion process of a last will needs, and whether it delays the first election. Linux only: it reads /proc. */
export async function companion(laboratory: Laboratory, trials: number): Promise<Row[]> {
  if (process.platform !== "linux") return [];
  laboratory.progress.begin("companions", 2 * trials + 1);
  const { residentMB, cpuMs } = await idle(laboratory);
  laboratory.progress.step();
  const withWill: number[] = [];
  const without: number[] = [];
  // By turns, so that both meet the same load.
  for (let trial = 0; trial < trials; trial++) {
    withWill.push(await firstElectionMs(laboratory, true));
    without.push(await firstElectionMs(laboratory, false));
  }
  const [p50, p50Without] = [median(withWill), median(without)];
  const shared = { part: "companion", context: { trials, idleMs: IDLE_MS } } as const;
  return [
    {
      ...shared,
      name: "resident memory",
      unit: "MB",
      figures: { value: rounded(residentMB, 1) },
      target: `≤ ${TARGET.residentMB} MB`,
      met: residentMB <= TARGET.residentMB,
      samples: [residentMB],
    },
    {
      ...shared,
      name: `CPU time in ${IDLE_MS / 1_000} s`,
      unit: "ms",
      figures: { value: cpuMs },
      target: `≤ ${TARGET.cpuMs} ms, which is one tick of the kernel`,
      met: cpuMs <= TARGET.cpuMs,
      samples: [cpuMs],
    },
    {
      ...shared,
      name: "the first election of a process",
      unit: "ms",
      figures: { "p50 with a will": rounded(p50, 1), "p50 without": rounded(p50Without, 1) },
      target: `at most ${TARGET.delayMs} ms later`,
      met: p50 - p50Without <= TARGET.delayMs,
      samples: withWill.map((ms) => rounded(ms, 1)),
    },
  ];
}

/** Of the companion of a leader that has nothing to do. */
async function idle(laboratory: Laboratory): Promise<{ residentMB: number; cpuMs: number }> {
  const config = { ...laboratory.config("companion"), ...TIMES, lastWill: true };
  await using contest = new Contest({ program: laboratory.programs.worker, config, size: 1 });
  await contest.fill();
  const { member } = await contest.startAfter(0);
  await delay(SETTLE_MS);
  const [pid] = childrenOf(member.pid);
  if (pid === undefined) throw new Error("a worker with lastWill has no companion");
  const beforeMs = cpuMsOf(pid);
  await delay(IDLE_MS);
  const [, kB] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return { residentMB: Number(kB) / 1_024, cpuMs: cpuMsOf(pid) - beforeMs };
}

/** From the start of a process's first campaign to its work. Nobody else competes. */
async function firstElectionMs(laboratory: Laboratory, lastWill: boolean): Promise<number> {
  const config = { ...laboratory.config("companion/first"), ...TIMES, lastWill };
  await using contest = new Contest({ program: laboratory.programs.worker, config, size: 1 });
  let begunMs = 0;
  contest.onHello = (atMs) => {
    begunMs = atMs;
  };
  await contest.fill();
  const { atMs } = await contest.startAfter(0);
  laboratory.progress.step();
  return atMs - begunMs;
}

/** The fields of /proc/PID/stat after the name, which may hold spaces. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function cpuMsOf(pid: number): number {
  const [user, system] = statOf(pid).slice(11, 13).map(Number) as [number, number];
  return (user + system) * TICK_MS;
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return Number(statOf(pid)[1]) === parent;
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}
