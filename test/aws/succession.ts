import { setTimeout as delay } from "node:timers/promises";
import { Operator } from "../../src/index.js";
import { check } from "../chaos/checker.js";
import { Register } from "../chaos/register.js";
import { statisticsOf } from "../chaos/statistics.js";
import { Random } from "../simulation/random.js";
import { figureOf } from "./figures.js";
import { NO_TRANSACTIONS, type PartResult, result, type Stage } from "./part.js";
import { type Reign, Team } from "./team.js";

const PART = "succession";
const WORKERS = 3;

/** What the trials measured, in milliseconds without a leader. */
interface Gaps {
  readonly failover: number[];
  readonly handOver: number[];
}

/** Nobody led in time: what follows says nothing. */
class Leaderless extends Error {}

/**
 * Real processes compete, are killed, frozen and asked to step down, while the leader writes behind its fence, and those
 * that lost try to. The checker of `npm run chaos` reads the whole history.
 */
export async function succession(stage: Stage): Promise<PartResult> {
  const { pace, client, tableName, signal, progress } = stage;
  const { leaseMs } = pace;
  const place = { tableName, prefix: `${stage.prefix}succession#`, linesAPage: 20 };
  let begun = 0;
  await using team = new Team(
    (worker) => ({
      label: `worker-${worker + 1}`,
      connection: stage.connection,
      leaseTable: tableName,
      register: place,
      style: { pauseMs: pace.pauseMs, doomed: 0.1, slowToStop: 0, stopsByItself: 0 },
      election: `${stage.prefix}succession`,
      leaseMs,
      maxServiceClockErrorMs: 1_000,
      metered: true,
      lastWill: false,
      seed: stage.seed * 1_000 + ++begun,
    }),
    stage.used,
  );
  const { history } = team;
  history.push({ type: "run", at: 0, seed: stage.seed, leaseMs });
  for (let worker = 0; worker < WORKERS; worker++) team.start(worker);
  const gaps: Gaps = { failover: [], handOver: [] };
  const leaderless: string[] = [];
  try {
    await trials(stage, team, gaps);
  } catch (error) {
    if (!(error instanceof Leaderless)) throw error;
    leaderless.push(error.message);
  }

  progress("the last leader, then all resign");
  const boundMs = pace.leadWithin * leaseMs;
  history.push({ type: "calm", at: team.now(), boundMs });
  const calmMs = team.now();
  while ((team.latest?.lastMs ?? 0) <= calmMs && team.now() <= calmMs + boundMs) {
    await delay(20, undefined, { signal });
  }
  await team.resign(boundMs);
  const register = new Register(place);
  for (const log of ["accepted" as const, ...team.candidates.map((one) => `stale ${one}` as const)]) {
    const stale = log !== "accepted";
    const lines = await register.log(client, log);
    history.push(
      ...lines.map((line, i) => ({ type: "landed" as const, at: team.now(), stale, n: i + 1, ...line })),
    );
  }
  history.push({ type: "register", at: team.now(), n: await register.count(client) });
  stage.keep("processes.jsonl", history);

  const { leaderships, fencedWrites, staleRefused } = statisticsOf(history);
  const violations = [
    ...leaderless,
    ...check(history).violations.map(({ rule, what }) => `${rule}: ${what}.`),
  ];
  const summary =
    `${WORKERS} processes, lease ${leaseMs} ms: ${gaps.failover.length} leaders killed, ${pace.freezes} frozen, ` +
    `${gaps.handOver.length} asked to step down; ${leaderships} leaderships, ${fencedWrites} fenced writes, ` +
    `${staleRefused} writes of former leaders refused.`;
  const figures = [
    figureOf("failover: from SIGKILL to the next leader", gaps.failover),
    figureOf("hand-over: from the last moment of one leader to the first of the next", gaps.handOver),
  ].filter(({ n }) => n > 0);
  const notes = stage.transactions ? [] : [`${NO_TRANSACTIONS} So this says nothing about fenced writes.`];
  return result(PART, summary, violations, { figures, notes });
}

async function trials(stage: Stage, team: Team, gaps: Gaps): Promise<void> {
  const { pace, client, tableName, signal, progress } = stage;
  const random = new Random(stage.seed);
  const operator = new Operator({ client, tableName, name: `${stage.prefix}succession`, by: "verify" });
  const withinMs = pace.leadWithin * pace.leaseMs;
  const fault = (kind: string, what: string) =>
    team.history.push({ type: "fault", at: team.now(), kind, what });
  const next = async (term: number, after: string): Promise<Reign> => {
    const leader = await team.leaderAfter(term, withinMs, signal);
    if (leader) return leader;
    throw new Leaderless(`liveness: nobody led within ${withinMs} ms after ${after}.`);
  };
  /** At another moment of the renewal interval each time. */
  const aWhile = () => delay(pace.leaseMs * random.between(0.4, 0.8), undefined, { signal });
  let leader = await next(0, "the start");

  for (let trial = 1; trial <= pace.handOvers; trial++) {
    progress(`hand-over ${trial} of ${pace.handOvers}`);
    await aWhile();
    leader = team.latest ?? leader;
    fault("step-down", "an operator asked");
    await operator.requestStepDown();
    const successor = await next(leader.term, "a request to step down");
    const { lastMs } = team.reign(leader.term) ?? leader;
    gaps.handOver.push(Math.max(0, successor.firstMs - lastMs));
    leader = successor;
  }
  for (let trial = 1; trial <= pace.kills; trial++) {
    progress(`failover ${trial} of ${pace.kills}`);
    await aWhile();
    leader = team.latest ?? leader;
    const killedMs = team.now();
    fault("kill", "SIGKILL of the leader");
    const gone = team.life(leader.worker).kill();
    const successor = await next(leader.term, "the leader was killed");
    gaps.failover.push(successor.firstMs - killedMs);
    await gone;
    team.start(leader.worker);
    leader = successor;
  }
  for (let trial = 1; trial <= pace.freezes; trial++) {
    progress(`freeze ${trial} of ${pace.freezes}`);
    await aWhile();
    leader = team.latest ?? leader;
    fault("freeze", "SIGSTOP of the leader");
    const life = team.life(leader.worker);
    life.freeze();
    try {
      leader = await next(leader.term, "the leader was frozen");
    } finally {
      life.thaw();
    }
    // It finds out, and tries to write under its old term.
    await delay(pace.leaseMs, undefined, { signal });
  }
}
