import {
  type Election,
  InternalError,
  InvalidOptionError,
  type Leadership,
  TransactionUnknownError,
  WorkNotStoppedError,
} from "../../src/index.js";
import type { Asker } from "./curiosity.js";
import type { Host } from "./host.js";
import type { Random } from "./random.js";
import type { Referee } from "./referee.js";
import { publishedValue } from "./stand-in-referee.js";
import { type TickForm, tickOf } from "./ticks.js";
import { Violation } from "./violation.js";

/** One start of one candidate process. */
export interface Player extends Asker {
  readonly rank: number;
  readonly eligible: boolean;
  /** Renews while its event loop is blocked. */
  readonly hasThread: boolean;
  leadership: Leadership | undefined;
  working: boolean;
  /** Whose signals its calls under way were given. */
  readonly callers: Set<AbortController>;
}

/** The table that workers write to under their fence. */
export const REGISTER = "register";

/** A row for each call beside it, that counts how often it was applied. */
export const CALLS = "calls";

/** What the players have in common. */
export interface Surroundings {
  readonly random: Random;
  /** Whether, and how often, leaders publish values. */
  readonly publishing: Random | undefined;
  readonly referee: Referee;
  readonly reserveForMs: number | undefined;
  readonly leaseDurationMs: number;
  readonly tickForm: TickForm;
  /** How many of the calls run every tick, from 0 to 1. */
  readonly every: number;
  nowMs(): number;
  count(fault: string): void;
  /** The storm is over: nothing fails by chance any more. */
  isCalm(): boolean;
}

/** A worker as users write it: leads, and when a leadership ends, leads again. Sometimes it keeps the handle itself. */
export async function leadForEver(player: Player, around: Surroundings): Promise<void> {
  const { random } = around;
  const { host } = player;
  while (host.alive) {
    const most = random.chance(0.1) ? random.integer(1, 20) : Number.POSITIVE_INFINITY;
    let enough = false;
    const isEnough = (writes: number) => {
      enough = writes >= most && !around.isCalm();
      return enough;
    };
    if (random.chance(0.1) && !around.isCalm()) {
      await called(player, around, (signal) => leadByHand(player, around, isEnough, signal)).catch(() => {});
    } else {
      await called(player, around, async (signal) => {
        await player.election.lead((leadership) => work(player, leadership, around, isEnough, signal), {
          signal,
        });
        if (!enough && !signal.aborted) around.referee.gaveUp(player);
      }).catch(unlessOverrun);
    }
    await rest(host, random.between(0, 2_000));
  }
}

function unlessOverrun(error: unknown): void {
  if (!(error instanceof WorkNotStoppedError)) throw error;
}

async function leadByHand(
  player: Player,
  around: Surroundings,
  isEnough: (writes: number) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const leadership = await player.election.campaign({ signal });
  await work(player, leadership, around, isEnough, signal);
  await leadership.resign();
}

/** A call with a signal of its caller's, who may abort. */
async function called<T>(
  player: Player,
  { referee }: Surroundings,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const caller = new AbortController();
  player.callers.add(caller);
  try {
    return await call(caller.signal);
  } catch (error) {
    // This user does not end the process, so the next call must wait.
    if (error instanceof WorkNotStoppedError) await error.stopped;
    throw error;
  } finally {
    player.callers.delete(caller);
    if (caller.signal.aborted) referee.settledAborted(player);
  }
}

/** Somebody who only wants to know who leads. */
export async function watch(election: Election, referee: Referee): Promise<void> {
  for await (const change of election.observe()) referee.observed(change);
}

/** A scheduled job as users write it; whether the run counts is what `runOnce` says. */
export async function runTick(player: Player, n: number, around: Surroundings): Promise<void> {
  const { random, referee, nowMs, tickForm } = around;
  const { election } = player;
  const wait = random.chance(0.5);
  const most = random.integer(1, 3);
  const fails = !around.isCalm() && random.chance(0.2);
  const blocks = random.chance(0.1);
  const isCareful = random.chance(0.5);
  const every = random.chance(around.every);
  const { epoch } = referee.ticks;
  const call = { tick: n, every, candidateId: election.candidateId, epoch, startMs: nowMs() };
  try {
    const result = await called(player, around, (signal) =>
      election.runOnce(
        tickOf(n, tickForm, random),
        async (leadership) => {
          await work(player, leadership, around, (writes) => writes >= most, signal);
          if (isCareful) leadership.throwIfLost();
          if (fails) throw new Error("the job failed");
          referee.ticks.workedFor(n);
          if (blocks && !around.isCalm()) await blockBeyondTheLease(player.host, around);
        },
        { signal, wait, ticks: every ? "every" : "latest", reserveForMs: around.reserveForMs },
      ),
    );
    referee.late(() => referee.ticks.told(call, result));
  } catch (error) {
    // The job failed, its end could not be recorded, or the run before still goes on: not completed.
    referee.late(() => {
      if (error instanceof InternalError || error instanceof InvalidOptionError)
        throw new Violation("ticks", `${n} is refused: ${error.message}`);
    });
  }
}

/** It computes for too long, or collects garbage, and returns as if nothing had happened. */
async function blockBeyondTheLease(
  host: Host,
  { random, leaseDurationMs, count }: Surroundings,
): Promise<void> {
  count("blockedRun");
  host.pause("block", leaseDurationMs * random.between(1, 1.5));
  await rest(host, 0);
}

/** Writes under its fence until it is told to stop or it is enough, and then takes a little longer. */
async function work(
  player: Player,
  leadership: Leadership,
  { random, publishing, referee, isCalm }: Surroundings,
  isEnough: (writes: number) => boolean,
  caller: AbortSignal,
): Promise<void> {
  const { host } = player;
  player.leadership = leadership;
  referee.handedOut(player, caller);
  player.working = true;
  const told = new Promise<void>((resolve) =>
    leadership.signal.addEventListener("abort", () => resolve(), { once: true }),
  );
  let published = 0;
  try {
    for (let i = 0; !isEnough(i) && !leadership.signal.aborted; i++) {
      if (!isCalm() && random.chance(0.01)) leadership.stepDown();
      await Promise.race([rest(host, random.between(500, 15_000)), told]);
      if (publishing?.chance(0.4)) {
        published += 1;
        void leadership.proclaim(publishedValue(leadership.term, published)).catch(() => {});
      }
      const write = leadership.transact([writeOf(leadership.term, `${leadership.term}/${i}`)]);
      const beside = Array.from({ length: random.integer(0, 2) }, (_, n) =>
        callBeside(leadership, `${leadership.term}/${i}/${n}`, random.pick([...CALL_KINDS]), referee),
      );
      // Whether they share a commit with it is a matter of luck, as is which of them fail.
      await Promise.all([write.catch(() => {}), ...beside]);
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

/** `guarded` refuses to be applied twice by itself, and so does not show that it was: it shows who is told "refused". */
const CALL_KINDS = ["plain", "guarded", "guarded", "doomed"] as const;

async function callBeside(
  leadership: Leadership,
  id: string,
  kind: (typeof CALL_KINDS)[number],
  referee: Referee,
): Promise<void> {
  const count = {
    Update: {
      TableName: CALLS,
      Key: { id },
      UpdateExpression: "ADD #count :one",
      ExpressionAttributeNames: { "#count": "count" },
      ExpressionAttributeValues: { ":one": 1 },
      ...(kind === "guarded" && { ConditionExpression: "attribute_not_exists(id)" }),
    },
  };
  const never = {
    ConditionCheck: { TableName: CALLS, Key: { id: "none" }, ConditionExpression: "attribute_exists(id)" },
  };
  try {
    await leadership.transact(kind === "doomed" ? [count, never] : [count]);
    referee.outcome(id, "written");
  } catch (error) {
    referee.outcome(id, error instanceof TransactionUnknownError ? "unknown" : "refused");
  }
}

function rest(host: Host, ms: number): Promise<void> {
  return new Promise((resolve) => host.setTimer(ms, resolve));
}
