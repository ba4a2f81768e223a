import { Contest } from "./contest.js";
import type { Laboratory } from "./laboratory.js";
import { LEASE_MS } from "./messages.js";
import type { Row } from "./report.js";
import { median, quantile, rounded } from "./statistics.js";
import { calm } from "./steady.js";

const BLOCKED_LEASES = 10;
const MAX_STALL_LEASES = 12;
/** How many elections are measured at a time, of each kind. */
const AT_ONCE = 5;
/** The leader and the one that waits for its lease. */
const CANDIDATES = 2;
const FOR_EVER_MS = 2 ** 31 - 1;

/**
 * Leaders whose main thread is blocked for ten leases, with a heartbeat in a thread and without, and leaders that are
 * blocked for ever. They wait and do not compute, so they do not disturb each other.
 */
export async function blocked(laboratory: Laboratory, trials: number): Promise<Row[]> {
  laboratory.progress.begin("blocked main threads", 2 * trials + AT_ONCE);
  const replacing = Array.from({ length: AT_ONCE }, () => replacedLeases(laboratory));
  const [kept, lost, forEver] = await Promise.all([
    lostOf(laboratory, trials, true),
    lostOf(laboratory, trials, false),
    Promise.all(replacing),
  ]);
  const worst = quantile(forEver, 1);
  const shared = {
    part: "blocked",
    context: { trials, blockedLeases: BLOCKED_LEASES, maxStallLeases: MAX_STALL_LEASES },
  } as const;
  return [
    {
      ...shared,
      name: "heartbeat in a thread",
      unit: "leaderships",
      figures: { lost: kept, of: trials },
      target: "0",
      met: kept === 0,
      samples: [kept],
    },
    {
      ...shared,
      name: "heartbeat in the event loop",
      unit: "leaderships",
      figures: { lost, of: trials },
      target: "all",
      met: lost === trials,
      samples: [lost],
    },
    {
      ...shared,
      name: "blocked for ever: until the next leader",
      unit: "leases",
      figures: { median: rounded(median(forEver), 2), worst: rounded(worst, 2) },
      target: `≤ ${MAX_STALL_LEASES + 1}`,
      met: worst <= MAX_STALL_LEASES + 1,
      samples: forEver.map((leases) => rounded(leases, 3)),
    },
  ];
}

function contestOf(laboratory: Laboratory, isInThread: boolean): Contest {
  const maxStallMs = isInThread ? MAX_STALL_LEASES * LEASE_MS : undefined;
  const config = { ...laboratory.config("blocked"), maxStallMs };
  return new Contest({ program: laboratory.programs.worker, config, size: CANDIDATES });
}

async function lostOf(laboratory: Laboratory, trials: number, isInThread: boolean): Promise<number> {
  let waiting = trials;
  let lost = 0;
  const work = async () => {
    await using contest = contestOf(laboratory, isInThread);
    for (; waiting > 0; ) {
      waiting -= 1;
      const { leader } = await calm(laboratory, contest, { hasLine: false }, () => {});
      let isOver = false;
      setTimeout(
        () => {
          isOver = true;
        },
        (BLOCKED_LEASES + 1) * LEASE_MS,
      );
      leader.member.say({ type: "block", ms: BLOCKED_LEASES * LEASE_MS });
      await contest.until(() => isOver);
      if (contest.leader !== leader) lost += 1;
      laboratory.progress.step();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return lost;
}

async function replacedLeases(laboratory: Laboratory): Promise<number> {
  await using contest = contestOf(laboratory, true);
  const { leader } = await calm(laboratory, contest, { hasLine: false }, () => {});
  const blockedMs = performance.now();
  leader.member.say({ type: "block", ms: FOR_EVER_MS });
  const { atMs } = await contest.startAfter(leader.term);
  laboratory.progress.step();
  return (atMs - blockedMs) / LEASE_MS;
}
