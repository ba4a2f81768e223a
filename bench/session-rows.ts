import { type Burst, timesItsWrites, timesOneWrite } from "./burst.js";
import { type Measured, SIZES, STEADY_LEASES, timesOf } from "./measured.js";
import type { Row } from "./report.js";
import type { Usage } from "./session-messages.js";
import { median, rounded } from "./statistics.js";

/** From so many leases on, a burst takes longer than what happens once. */
const MANY = 100;
/** The issue says one. A count at two moments can differ by one. */
const ONE = 1.1;
const TARGET = { rowReadsPerLease: 1, cpuShare: 0.05, residentMB: 100, times: 1.2 };

type Figures = Pick<Row, "unit" | "figures" | "target" | "met" | "samples" | "point">;

/** A table for each question, with a row for each number of leases. */
export function rowsOf(all: readonly Measured[]): Row[] {
  const table = (what: string, figures: (ones: readonly Measured[], leases: number) => Figures): Row[] =>
    SIZES.map((leases) => ({
      part: `sessions: ${what}`,
      name: `${leases.toLocaleString("en")} ${leases === 1 ? "lease" : "leases"}`,
      context: { waitingProcesses: 2, steadyLeases: STEADY_LEASES },
      ...figures(
        all.filter((one) => one.leases === leases),
        leases,
      ),
    }));
  const bursts = (what: string, of: (one: Measured) => Burst, isJudged: boolean) =>
    table(what, (ones, leases) =>
      burstFigures(ones.map(of), `${what}: times as long as its writes alone`, isJudged && leases >= MANY),
    );
  return [
    ...table("requests", requestFigures),
    ...table("the process", processFigures),
    ...bursts("found all", ({ found }) => found, false),
    ...bursts("give all back", ({ giveBack }) => giveBack, false),
    ...bursts("acquire all", ({ acquire }) => acquire, true),
    ...bursts("take all over", ({ takeOver }) => takeOver, true),
    ...table("a crash is noticed", (ones) => ({
      unit: "leases until the survivor's first write",
      figures: { median: rounded(median(ones.map(({ noticedLeases }) => noticedLeases)), 2) },
      target: undefined,
      met: undefined,
      samples: ones.map(({ noticedLeases }) => rounded(noticedLeases, 3)),
    })),
  ];
}

function requestFigures(ones: readonly Measured[], leases: number): Figures {
  const mid = (of: (one: Measured) => number) => rounded(median(ones.map(of)), 2);
  const writes = mid(({ holder, intervals }) => holder.writes / intervals);
  const reads = mid(({ holder, intervals }) => holder.reads / intervals);
  const waiting = mid((one) => (one.waiting.reads + one.waiting.writes) / one.intervals);
  const rowReads = mid(({ holder }) => holder.ownRowsRead / leases / STEADY_LEASES);
  return {
    unit: "requests per renewal interval",
    figures: {
      "writes of the holder": writes,
      "its reads": reads,
      "each that waits": waiting,
      "reads of a held row per lease": rowReads,
      "leases lost": ones.reduce((sum, { lost }) => sum + lost, 0),
    },
    target: `${ONE} or fewer writes, ${ONE} by each that waits, 1 read of a row`,
    met: writes <= ONE && waiting <= ONE && rowReads <= TARGET.rowReadsPerLease,
    samples: ones.map(({ holder }) => holder.writes),
    point: {
      chart: "requests per renewal interval, of all three processes",
      at: leases,
      value: writes + reads + 2 * waiting,
    },
  };
}

function processFigures(ones: readonly Measured[], leases: number): Figures {
  const mid = (of: (one: Measured) => number) => median(ones.map(of));
  const share = ({ cpuMs }: Usage, { intervals, leases }: Measured) =>
    cpuMs / (intervals * timesOf(leases).renewMs);
  const cpu = mid((one) => share(one.holder, one));
  const more = mid(({ idleMB, holderMB }) => holderMB - idleMB);
  const percent = (part: number) => rounded(100 * part, 1);
  return {
    unit: "% of a core, and MB",
    figures: {
      "CPU of the holder": percent(cpu),
      "of each that waits": percent(mid((one) => share(one.waiting, one))),
      "memory above an idle Node": rounded(more, 1),
      "that Node": rounded(
        mid(({ idleMB }) => idleMB),
        1,
      ),
    },
    target: `≤ ${percent(TARGET.cpuShare)} %, ≤ ${TARGET.residentMB} MB`,
    met: cpu <= TARGET.cpuShare && more <= TARGET.residentMB,
    samples: ones.map(({ holderMB }) => rounded(holderMB, 1)),
    point: {
      chart: "memory of the holder above an idle Node, in MB",
      at: leases,
      value: more,
      target: TARGET.residentMB,
    },
  };
}

function burstFigures(bursts: readonly Burst[], chart: string, isJudged: boolean): Figures {
  const mid = (of: (one: Burst) => number, digits = 2) => rounded(median(bursts.map(of)), digits);
  const times = mid(timesItsWrites);
  const { leases } = bursts[0] as Burst;
  return {
    unit: "times and seconds",
    figures: {
      "times its writes alone": times,
      "times one write each": mid(timesOneWrite),
      seconds: mid(({ seconds }) => seconds),
      "writes each": mid((one) => one.writes / one.leases),
      "reads each": mid((one) => one.reads / one.leases),
      "bare writes a second": mid((one) => one.bareWritesPerSecond, 0),
    },
    target: isJudged ? `≤ ${TARGET.times} times its writes alone` : undefined,
    met: isJudged ? times <= TARGET.times : undefined,
    samples: bursts.map(({ seconds }) => rounded(seconds, 3)),
    point: isJudged ? { chart, at: leases, value: times, target: TARGET.times } : undefined,
  };
}
