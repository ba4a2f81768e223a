import { backoffMs, sleep } from "../async.js";
import type { Bid } from "../candidate/bid.js";
import { longestElapsedMs } from "../clock.js";
import { WorkNotStoppedError } from "../errors.js";
import type { LeadOptions } from "../options.js";
import { NotBegun } from "./begin.js";
import type { Leaderships } from "./leaderships.js";
import { LET_OTHERS_GO_FIRST, settle, type Work } from "./run-work.js";

/** The longest wait after work that failed. */
const MAX_WORK_BACKOFF_MS = 60_000;

/**
 * Campaigns and leads, again and again (`Election.lead`). One function, for each that waits for another one costs memory, and a
 * process may have thousands of them.
 */
export async function lead<T>(
  leaderships: Leaderships,
  work: Work<T>,
  { signal, announce = true, onWorkError = "stop" }: LeadOptions,
  bid: Bid,
): Promise<T | undefined> {
  const { campaign, registration } = leaderships;
  registration.join();
  try {
    for (let failures = 0; !bid.isAborted; ) {
      leaderships.forgetLast();
      const won = await bid.unlessAborted(campaign.run({ signal: bid.signal }));
      if (won === undefined) break;
      const begun = await bid.unlessAborted(leaderships.begin(won, bid));
      if (begun === undefined) break;
      if (begun instanceof NotBegun) {
        if (begun.ended && LET_OTHERS_GO_FIRST.has(begun.ended)) await letOthersGoFirst(leaderships, bid);
        continue;
      }
      const { tenure } = begun;
      bid.rest();
      // A session that is closed announces the ends of its leaderships itself.
      const until = announce ? signal : bid.signal;
      const served = await leaderships.serve(
        begun,
        work,
        { bid, signal: until, announce },
        async (stopped) => {
          await tenure.release("resigned");
          return { ...stopped, fault: tenure.fault };
        },
      );
      if (served instanceof WorkNotStoppedError) throw served;
      const { ended, result, fault } = served;
      // What this candidate knows may be wrong, so it does not campaign again.
      if (fault && ended && !bid.isAborted) throw fault;
      try {
        const value = settle(result, ended);
        if (!ended || bid.isAborted) return value;
      } catch (error) {
        if (onWorkError === "stop" || bid.isAborted) throw error;
        const { emit, client, options } = leaderships.leading;
        const { clock, leaseDurationMs, random } = options;
        emit({ type: "work-failed", term: won.lease.term, error });
        const ranMs = longestElapsedMs(won.sent, client.time.now());
        failures = ranMs < leaseDurationMs ? failures + 1 : 1;
        // Out of the line meanwhile: leaders would hand over to a candidate that does not try.
        await registration.leave();
        await letOthersGoFirst(leaderships, bid);
        await bid.unlessAborted(sleep(clock, backoffMs(failures, MAX_WORK_BACKOFF_MS, random), bid.signal));
        registration.join();
        continue;
      }
      if (LET_OTHERS_GO_FIRST.has(ended)) await letOthersGoFirst(leaderships, bid);
    }
    return undefined;
  } finally {
    const leaving = registration.leave();
    if (!leaderships.notStopped) await (leaderships.tenure?.stop.wait(leaving) ?? leaving);
  }
}

function letOthersGoFirst({ campaign }: Leaderships, bid: Bid): Promise<void> {
  return bid.unlessAborted(campaign.letOthersGoFirst(bid.signal));
}
