import { Contest } from "./contest.js";
import type { Laboratory } from "./laboratory.js";
import type { Death, WorkerConfig } from "./messages.js";
import { hasNamespaces } from "./namespace.js";
import type { Row } from "./report.js";
import { median, quantile, rounded } from "./statistics.js";
import { calm } from "./steady.js";

/** The default lease. */
const TIMES = { leaseMs: 15_000, renewMs: 5_000 };
const STANDBY_POLL_MS = 250;
const CANDIDATES = 3;
/** A trial takes half a minute, most of it until all candidates are in step again. */
const TRIALS = 1 / 3;
/** Renewals of a leader before it dies. By then the line is known. */
const RENEWALS = 3;
const TARGET = { p50Ms: 300, worstMs: 1_000, randomLeases: 0.25 };

interface Lane {
  readonly name: string;
  readonly how: Death;
  readonly config: Omit<WorkerConfig, "label">;
  /** With a line and `standbyPollMs`. */
  readonly isFast: boolean;
}

interface Measured {
  readonly tookMs: readonly number[];
  readonly disturbed: number;
}

/** From the death of a leader that has a last will to the start of the next leader's work. All contests run at once. */
export async function lastWill(laboratory: Laboratory, trials: number): Promise<Row[]> {
  const lanes = lanesOf(laboratory);
  const enough = Math.ceil(trials * TRIALS);
  laboratory.progress.begin(`last wills, ${lanes.length} elections at once`, lanes.length * enough);
  const { result, roundTripMs } = await laboratory.withRoundTrips(
    Promise.all(lanes.map((lane) => measure(laboratory, lane, enough))),
  );
  const context = {
    elections: lanes.length,
    leaseMs: TIMES.leaseMs,
    trials: enough,
    roundTripMs: rounded(roundTripMs, 2),
  };
  return lanes.map(({ name, isFast }, i) => {
    const { tookMs, disturbed } = result[i] as Measured;
    const [half, worst] = [median(tookMs), quantile(tookMs, 1)];
    const leases = half / TIMES.leaseMs;
    return {
      part: "last-will",
      name,
      unit: "ms",
      figures: {
        p50: Math.round(half),
        worst: Math.round(worst),
        "p50 in leases": rounded(leases, 3),
        disturbed,
      },
      target: isFast
        ? `p50 ≤ ${TARGET.p50Ms} ms, worst ≤ ${TARGET.worstMs} ms`
        : `p50 ≤ ${TARGET.randomLeases} leases`,
      met: isFast ? half <= TARGET.p50Ms && worst <= TARGET.worstMs : leases <= TARGET.randomLeases,
      context,
      samples: tookMs.map((ms) => rounded(ms, 1)),
    };
  });
}

function lanesOf(laboratory: Laboratory): Lane[] {
  const config = () => ({ ...laboratory.config("last-will"), ...TIMES, lastWill: true });
  const fast = (how: Death, isPid1: boolean): Lane => ({
    name: `arrival, standbyPollMs ${STANDBY_POLL_MS}: ${how}${isPid1 ? ", as PID 1" : ""}`,
    how,
    config: { ...config(), order: "arrival", standbyPollMs: STANDBY_POLL_MS, isPid1 },
    isFast: true,
  });
  // The kernel kills the companion of a PID 1 with it, so SIGKILL is not noticed there.
  const asPid1 = hasNamespaces() ? [fast("process.exit", true), fast("uncaught exception", true)] : [];
  return [
    fast("SIGKILL", false),
    fast("process.exit", false),
    fast("uncaught exception", false),
    ...asPid1,
    { name: "random: SIGKILL", how: "SIGKILL", config: config(), isFast: false },
  ];
}

async function measure(laboratory: Laboratory, lane: Lane, trials: number): Promise<Measured> {
  const { config, how, isFast } = lane;
  const program = laboratory.programs.worker;
  await using contest = new Contest({ program, config, size: CANDIDATES });
  const tookMs: number[] = [];
  let disturbed = 0;
  while (tookMs.length < trials) {
    const { leader } = await calm(laboratory, contest, { hasLine: isFast, renewals: RENEWALS }, () => {
      disturbed += 1;
    });
    const diedMs = contest.kill([leader.member], how);
    const next = await contest.startAfter(leader.term);
    tookMs.push(next.atMs - diedMs);
    laboratory.progress.step();
  }
  return { tookMs, disturbed };
}
