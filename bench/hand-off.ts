import { Operator } from "../src/index.js";
import { Contest, type Start } from "./contest.js";
import type { Laboratory } from "./laboratory.js";
import type { Member } from "./member.js";
import type { WorkerConfig } from "./messages.js";
import type { Row } from "./report.js";
import { median, quantile, rounded } from "./statistics.js";
import { calm } from "./steady.js";

const CANDIDATES = 3;
const ORDER = "arrival";
/** The time without a leader in one hand-over. */
const TARGET = { ms: 60, roundTrips: 10, worstMs: 150 };
/** The worst of a hundred, by default. */
const TRIALS = 2;

interface Measured {
  readonly tookMs: readonly number[];
  /** Trials that started again because the leader had lost its lease by itself. */
  readonly disturbed: number;
}

interface Lane {
  readonly name: string;
  readonly program: string;
  readonly config: Omit<WorkerConfig, "label">;
  readonly isPeer: boolean;
  ask(contest: Contest, leader: Start, standby: Member | undefined): unknown;
}

/** From the end of the old leader's work to the start of the next one's, when the end was planned. */
export async function handOff(laboratory: Laboratory, trials: number): Promise<Row[]> {
  const lanes = lanesOf(laboratory);
  const enough = trials * TRIALS;
  laboratory.progress.begin(`hand-offs, ${lanes.length} elections at once`, lanes.length * enough);
  const { result, roundTripMs } = await laboratory.withRoundTrips(
    Promise.all(lanes.map((lane) => measure(laboratory, lane, enough))),
  );
  const context = { elections: lanes.length, trials: enough, roundTripMs: rounded(roundTripMs, 2) };
  return lanes.map(({ name, isPeer }, i) => {
    const { tookMs, disturbed } = result[i] as Measured;
    const half = median(tookMs);
    const worst = quantile(tookMs, 1);
    const roundTrips = half / roundTripMs;
    const isShort = half <= TARGET.ms && roundTrips <= TARGET.roundTrips && worst <= TARGET.worstMs;
    return {
      part: "hand-off",
      name,
      unit: "ms",
      figures: {
        p50: rounded(half, 1),
        p99: rounded(quantile(tookMs, 0.99), 1),
        worst: rounded(worst, 1),
        "p50 in round trips": rounded(roundTrips, 1),
        disturbed,
      },
      target: isPeer
        ? undefined
        : `p50 ≤ ${TARGET.ms} ms and ≤ ${TARGET.roundTrips} round trips, worst ≤ ${TARGET.worstMs} ms`,
      met: isPeer ? undefined : isShort,
      context,
      samples: tookMs.map((ms) => rounded(ms, 2)),
    };
  });
}

function lanesOf(laboratory: Laboratory): Lane[] {
  const { worker, peer } = laboratory.programs;
  const ours = (name: string, ask: Lane["ask"]): Lane => {
    const config = { ...laboratory.config("hand-off"), order: ORDER } as const;
    return { name, program: worker, config, isPeer: false, ask };
  };
  const theirs = (program: string, trusting: boolean): Lane => {
    const config = laboratory.peerConfig("hand-off/peer", trusting);
    const name = `dynamodb-lock-client${trusting ? ", trustLocalTime" : ""}: release()`;
    const ask: Lane["ask"] = (_contest, { member }) => member.say({ type: "stepDown" });
    return { name, program, config, isPeer: true, ask };
  };
  return [
    ours("leadership.stepDown({ to: standby })", (_contest, { member }, standby) =>
      member.say({ type: "stepDown", ...(standby?.candidateId && { to: standby.candidateId }) }),
    ),
    ours("leadership.stepDown()", (_contest, { member }) => member.say({ type: "stepDown" })),
    ours("operator.requestStepDown({ to: standby })", (contest, _leader, standby) => {
      const { client, tableName } = laboratory;
      const operator = new Operator({ client, tableName, name: contest.election });
      return operator.requestStepDown({ to: standby?.candidateId });
    }),
    ...(peer === undefined ? [] : [theirs(peer, false), theirs(peer, true)]),
  ];
}

async function measure(laboratory: Laboratory, lane: Lane, trials: number): Promise<Measured> {
  const { program, config, isPeer } = lane;
  await using contest = new Contest({ program, config, size: CANDIDATES });
  const tookMs: number[] = [];
  let disturbed = 0;
  const isDisturbed = () => {
    disturbed += 1;
  };
  while (tookMs.length < trials) {
    const { leader, standby } = await calm(laboratory, contest, { hasLine: !isPeer }, isDisturbed);
    await lane.ask(contest, leader, standby);
    const next = await contest.startAfter(leader.term);
    const stoppedMs = contest.stops.get(leader.term);
    if (stoppedMs === undefined) {
      isDisturbed();
      continue;
    }
    tookMs.push(next.atMs - stoppedMs);
    if (isPeer) leader.member.say({ type: "stand" });
    laboratory.progress.step();
  }
  return { tookMs, disturbed };
}
