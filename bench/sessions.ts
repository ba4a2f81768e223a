import { setTimeout as delay } from "node:timers/promises";
import { burst } from "./burst.js";
import { fencedWrites } from "./fenced-writes.js";
import { Holder } from "./holder.js";
import type { Laboratory } from "./laboratory.js";
import { type Measured, SIZES, STEADY_LEASES, timesOf } from "./measured.js";
import { month } from "./month.js";
import type { Row } from "./report.js";
import type { Usage } from "./session-messages.js";
import { rowsOf } from "./session-rows.js";
import { meanOf, used } from "./usage.js";

const SETTLES_AT_MOST = 20;
const TRIALS_A_ROUND = 50;

/** One process that holds up to ten thousand leases under one session, and two processes that wait for all of them. */
export async function sessions(laboratory: Laboratory, trials: number): Promise<Row[]> {
  const rounds = Math.ceil(trials / TRIALS_A_ROUND);
  laboratory.progress.begin("sessions of 1 to 10,000 leases", rounds * SIZES.length + 2);
  const all: Measured[] = [];
  for (const leases of SIZES) {
    for (let round = 0; round < rounds; round++) {
      all.push(await measure(laboratory, leases));
      laboratory.progress.step();
    }
  }
  const fenced = await fencedWrites(laboratory);
  laboratory.progress.step();
  const cost = await month(laboratory, all);
  laboratory.progress.step();
  return [...rowsOf(all), fenced, cost];
}

async function measure(laboratory: Laboratory, leases: number): Promise<Measured> {
  const times = timesOf(leases);
  const { leaseMs, renewMs } = times;
  const config = { ...laboratory.holderConfig(leases), ...times };
  const start = (label: string) => Holder.start(laboratory.programs.sessionWorker, { ...config, label });
  const acquireAll = (by: Holder) =>
    burst(by, leases, async () => {
      const beganMs = by.compete();
      await by.until(() => by.heldMs !== undefined);
      return (by.heldMs as number) - beganMs;
    });

  await using founder = await start("founder");
  const found = await acquireAll(founder);
  const giveBack = await burst(founder, leases, () => founder.close());
  await founder.end();

  await using holder = await start("holder");
  await using survivor = await start("survivor");
  await using other = await start("other");
  const idleMB = (await holder.usage()).residentMB;
  const acquire = await acquireAll(holder);
  for (const one of [survivor, other]) {
    one.compete();
    await one.until(() => one.waitsMs !== undefined);
  }
  await untilSettled([survivor, other], 4 * leaseMs);
  const processes = [holder, survivor, other];
  const from = await Promise.all(processes.map((one) => one.usage()));
  const beganMs = performance.now();
  await delay(STEADY_LEASES * leaseMs);
  const to = await Promise.all(processes.map((one) => one.usage()));
  const intervals = (performance.now() - beganMs) / renewMs;
  const [held, ...waiting] = to.map((usage, i) => used(usage, from[i] as Usage)) as [Usage, Usage, Usage];
  const holderMB = (to[0] as Usage).residentMB;
  const { lost } = holder;

  // The survivor is alone: against two of them the figure would show how they share the leases.
  other.kill();
  let noticedLeases = 0;
  const takeOver = await burst(survivor, leases, async () => {
    const killedMs = holder.kill();
    await survivor.until(() => survivor.heldMs !== undefined);
    noticedLeases = ((survivor.claimedMs as number) - killedMs) / leaseMs;
    return (survivor.heldMs as number) - (survivor.claimedMs as number);
  });
  return {
    ...{ leases, lost, intervals, holder: held, waiting: meanOf(waiting), idleMB, holderMB },
    ...{ found, giveBack, acquire, takeOver, noticedLeases },
  };
}

/**
 * By then each follower knows when to poll, and the garbage of the start is collected. Once per term, one of those that wait
 * writes to each row that it waits (rule 2m), which takes a while with ten thousand rows.
 */
async function untilSettled(waiting: readonly Holder[], settleMs: number): Promise<void> {
  const writes = async () => (await Promise.all(waiting.map((one) => one.usage()))).map((one) => one.writes);
  let before = await writes();
  for (let settles = 0; settles < SETTLES_AT_MOST; settles++) {
    await delay(settleMs);
    const now = await writes();
    if (now.every((count, i) => count === before[i])) return;
    before = now;
  }
}
