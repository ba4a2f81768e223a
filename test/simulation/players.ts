import type { Election, Leadership } from "../../src/index.js";
import type { Host } from "./host.js";
import type { Random } from "./random.js";
import type { Referee } from "./referee.js";

/** One start of one candidate process. */
export interface Player {
  readonly host: Host;
  readonly election: Election;
  readonly rank: number;
  leadership: Leadership | undefined;
  working: boolean;
}

/** The table that workers write to under their fence. */
export const REGISTER = "register";

/** What the players have in common. */
export interface Surroundings {
  readonly random: Random;
  readonly referee: Referee;
  readonly holdForMs: number | undefined;
  /** The storm is over: nothing fails by chance any more. */
  isCalm(): boolean;
}

/** A worker as users write it: leads, and when a leadership ends, leads again. */
export async function leadForEver(player: Player, around: Surroundings): Promise<void> {
  const { random } = around;
  const { host, election } = player;
  while (host.alive) {
    const most = random.chance(0.1) ? random.integer(1, 20) : Number.POSITIVE_INFINITY;
    let enough = false;
    const isEnough = (writes: number) => {
      enough = writes >= most && !around.isCalm();
      return enough;
    };
    await election.lead((leadership) => work(player, leadership, around, isEnough));
    if (!enough) around.referee.gaveUp(player);
    await rest(host, random.between(0, 2_000));
  }
}

/** Somebody who only wants to know who leads. */
export async function watch(election: Election, referee: Referee): Promise<void> {
  for await (const leader of election.observe()) referee.observed(leader);
}

/** A scheduled job as users write it; whether the run counts is what `runOnce` says. */
export async function runTick(player: Player, tick: string, around: Surroundings): Promise<void> {
  const { random, referee } = around;
  const wait = random.chance(0.5);
  const most = random.integer(1, 3);
  const fails = !around.isCalm() && random.chance(0.2);
  try {
    const result = await player.election.runOnce(
      tick,
      async (leadership) => {
        await work(player, leadership, around, (writes) => writes >= most);
        leadership.throwIfLost();
        if (fails) throw new Error("the job failed");
        referee.workedFor(tick);
      },
      { wait, holdForMs: around.holdForMs },
    );
    if (result.ran) referee.completed(tick, player.election.candidateId);
  } catch {
    // The job failed, its end could not be recorded, or the run before still goes on: not completed.
  }
}

/** Writes under its fence until it is told to stop or it is enough, and then takes a little longer. */
async function work(
  player: Player,
  leadership: Leadership,
  { random, referee, isCalm }: Surroundings,
  isEnough: (writes: number) => boolean,
): Promise<void> {
  const { host } = player;
  player.leadership = leadership;
  referee.handedOut(player);
  player.working = true;
  const told = new Promise<void>((resolve) =>
    leadership.signal.addEventListener("abort", () => resolve(), { once: true }),
  );
  try {
    for (let i = 0; !isEnough(i) && !leadership.signal.aborted; i++) {
      if (!isCalm() && random.chance(0.01)) leadership.stepDown();
      await Promise.race([rest(host, random.between(500, 15_000)), told]);
      await leadership.transact([writeOf(leadership.term, `${leadership.term}/${i}`)]).catch(() => {});
    }
    await rest(host, random.pick([0, 50, 1_000, 7_000]));
  } finally {
    player.working = false;
  }
}

/** What a stale or doubled write could not hide: the count, the latest term, the latest write. */
function writeOf(term: number, write: string) {
  return {
    Update: {
      TableName: REGISTER,
      Key: { id: "1" },
      UpdateExpression: "SET #term = :term, #write = :write ADD #count :one",
      ExpressionAttributeNames: { "#term": "term", "#write": "write", "#count": "count" },
      ExpressionAttributeValues: { ":term": term, ":write": write, ":one": 1 },
    },
  };
}

function rest(host: Host, ms: number): Promise<void> {
  return new Promise((resolve) => host.setTimer(ms, resolve));
}
