import { Contest } from "./contest.js";
import type { Laboratory } from "./laboratory.js";
import { LEASE_MS, type WorkerConfig } from "./messages.js";
import type { Row } from "./report.js";
import { median, quantile, rounded } from "./statistics.js";
import { calm } from "./steady.js";

const ORDERS = ["random", "arrival", "rank", "ring"] as const;
/** Leader, standby, and one more to take over when both die. */
const CANDIDATES = 3;

interface Measured {
  readonly tookMs: readonly number[];
  /** Trials that started again because the leader had lost its lease by itself. */
  readonly disturbed: number;
}

interface Lane {
  readonly name: string;
  readonly program: string;
  readonly config: Omit<WorkerConfig, "label">;
  readonly standbyDies: boolean;
  readonly isPeer: boolean;
}

/** From the kill of a leader at a random moment to the start of the next leader's work. All contests run at once. */
export async function crash(laboratory: Laboratory, trials: number): Promise<Row[]> {
  const lanes = lanesOf(laboratory);
  laboratory.progress.begin(`crashes, ${lanes.length} elections at once`, lanes.length * trials);
  const { result, roundTripMs } = await laboratory.withRoundTrips(
    Promise.all(lanes.map((lane) => measure(laboratory, lane, trials))),
  );
  const context = { elections: lanes.length, roundTripMs: rounded(roundTripMs, 2) };
  return lanes.map((lane, i) => {
    const { tookMs, disturbed } = result[i] as Measured;
    const leases = tookMs.map((ms) => ms / LEASE_MS);
    const [half, worst] = [median(leases), quantile(leases, 0.99)];
    const isJudged = !lane.isPeer && !lane.standbyDies;
    return {
      part: "crash",
      name: lane.name,
      unit: "leases",
      figures: { median: rounded(half, 3), p99: rounded(worst, 3), disturbed },
      target: isJudged ? "median ≤ 0.95, p99 ≤ 1.10" : undefined,
      met: isJudged ? half <= 0.95 && worst <= 1.1 : undefined,
      context,
      samples: leases.map((value) => rounded(value, 4)),
    };
  });
}

function lanesOf(laboratory: Laboratory): Lane[] {
  const { worker, peer } = laboratory.programs;
  const ours = [false, true].flatMap((standbyDies) =>
    ORDERS.map((order): Lane => {
      const config = { ...laboratory.config(`crash/${order}`), order };
      const name = `${order}, standby ${standbyDies ? "killed too" : "alive"}`;
      return { name, program: worker, config, standbyDies, isPeer: false };
    }),
  );
  if (peer === undefined) return ours;
  const theirs = [false, true].map((trusting): Lane => {
    const config = laboratory.peerConfig("crash/peer", trusting);
    const name = `dynamodb-lock-client${trusting ? ", trustLocalTime" : ""}`;
    return { name, program: peer, config, standbyDies: false, isPeer: true };
  });
  return [...ours, ...theirs];
}

async function measure(laboratory: Laboratory, lane: Lane, trials: number): Promise<Measured> {
  const { program, config, standbyDies } = lane;
  await using contest = new Contest({ program, config, size: CANDIDATES });
  const hasLine = config.order !== undefined && config.order !== "random";
  const tookMs: number[] = [];
  let disturbed = 0;
  while (tookMs.length < trials) {
    const { leader, standby } = await calm(laboratory, contest, { hasLine }, () => {
      disturbed += 1;
    });
    // Without a line any candidate may be next: then any other one dies.
    const dying = standbyDies ? [standby ?? contest.followers[0]] : [];
    const killedMs = contest.kill([leader.member, ...dying].filter((member) => member !== undefined));
    const next = await contest.startAfter(leader.term);
    tookMs.push(next.atMs - killedMs);
    laboratory.progress.step();
  }
  return { tookMs, disturbed };
}
