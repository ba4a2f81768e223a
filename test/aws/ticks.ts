import { setTimeout as delay } from "node:timers/promises";
import { Election, type Leadership, TableUnavailableError } from "../../src/index.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import { Random } from "../simulation/random.js";
import { type PartResult, result, type Stage } from "./part.js";
import { checkTicks, type TickEvent } from "./tick-checker.js";

const PART = "ticks";
const CANDIDATES = 5;
const WORK_STEPS = 5;
const MAX_TRIES = 10;
/** Below the 64 ticks that a row keeps. */
export const MAX_TICKS = 60;

/** Five candidates are told of the same ticks at once, as schedulers that deliver twice do; some of the work fails. */
export async function ticks(stage: Stage): Promise<PartResult> {
  const { pace, signal, progress, client, tableName } = stage;
  const history: TickEvent[] = [];
  const random = new Random(stage.seed);
  const elections = Array.from({ length: CANDIDATES }, (_, i) => {
    const settings = { leaseDurationMs: pace.leaseMs, label: `verify-${i + 1}` };
    return new Election({ client, tableName, name: `${stage.prefix}ticks`, ...settings });
  });
  const wanted = Math.min(pace.ticks, MAX_TICKS);
  for (let n = 1; n <= wanted; n++) {
    progress(`tick ${n} of ${wanted}`);
    const tick = String(n);
    const fails = random.chance(0.3);
    await Promise.all(elections.map((election) => deliver(election, tick, fails, history, signal)));
    // Delivered again until it is done, as a scheduler would.
    let tries = 1;
    while (!(await deliver(elections[0] as Election, tick, false, history, signal))) {
      if (++tries > MAX_TRIES) throw new Error(`Tick ${tick} was not done after ${MAX_TRIES} more tries.`);
    }
  }
  const store = dynamoDBLeaseStore(client, tableName);
  const { lease } = await store.read(`${stage.prefix}ticks`, { consistent: true }, signal);
  const completed = lease?.kind === "vacant" || lease?.kind === "held" ? (lease.ticks?.completed ?? []) : [];
  history.push({ type: "row", at: performance.now(), tick: "", completed });
  stage.keep("ticks.jsonl", history);
  const count = (type: TickEvent["type"]) => history.filter((event) => event.type === type).length;
  const summary =
    `${wanted} ticks, each told to ${CANDIDATES} candidates at once: ${count("began")} runs, ${count("failed")} of them ` +
    `failed on purpose, ${count("completed")} completed, ${count("unknown")} without an answer.`;
  const violations = checkTicks(history).map(({ rule, what }) => `${rule}: ${what}.`);
  return result(PART, summary, violations);
}

class Purpose extends Error {}

/** @returns whether the tick is done. */
async function deliver(
  election: Election,
  tick: string,
  fails: boolean,
  history: TickEvent[],
  signal: AbortSignal,
): Promise<boolean> {
  const { candidateId: candidate } = election;
  const now = () => performance.now();
  let run: string | undefined;
  const work = async (leadership: Leadership) => {
    const { term } = leadership;
    run = `${candidate}/${term}`;
    history.push({ type: "began", at: now(), tick, run, candidate, term });
    for (let step = 0; step < WORK_STEPS; step++) {
      await delay(2, undefined, { signal: leadership.signal });
      const at = now();
      leadership.throwIfLost();
      history.push({ type: "trusted", at, tick, run });
      if (fails) throw new Purpose();
    }
  };
  try {
    const outcome = await election.runOnce(tick, work, { signal, wait: !fails });
    if (outcome.ran) history.push({ type: "completed", at: now(), tick, run: run ?? "" });
    else if (outcome.because === "done") history.push({ type: "done", at: now(), tick, candidate });
    return outcome.ran || outcome.because === "done";
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Purpose) history.push({ type: "failed", at: now(), tick, run: run ?? "" });
    // The release may have landed, and its answer did not come; or it came too late for the lease.
    else if (run !== undefined) history.push({ type: "unknown", at: now(), tick, run });
    else if (!(error instanceof TableUnavailableError)) throw error;
    return false;
  }
}
