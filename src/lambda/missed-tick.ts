import { IncumbentError } from "../error-base.js";
import { MAX_TICKS } from "../limits.js";
import type { Leader } from "../protocol/leader.js";
import type { LeaderResult } from "./result.js";

/** How a tick was missed. */
export type Miss = Extract<LeaderResult<never>, { role: "follower" | "superseded" }>;

/**
 * The invocation ended, and its tick has not run: a later tick has completed, or nobody has completed this one yet. So
 * Lambda tries again, and puts the event into the dead-letter queue in the end. `onMissedTick: "return"` returns the
 * `LeaderResult` instead.
 */
export class MissedTickError extends IncumbentError {
  readonly code = "MISSED_TICK";
  /** Set here, because a minifier renames classes. */
  override readonly name = "MissedTickError";
  /** `superseded`: a later tick has completed. `not-completed`: no run has completed this tick, and a later try can. */
  readonly because: "superseded" | "not-completed";
  /** Whether this tick has completed. `unknown`: it is older than those that the table remembers. */
  readonly completed: "no" | "unknown";
  /** With `superseded`: the highest tick that was completed. */
  readonly lastTick: string | undefined;
  /** With `not-completed`: the candidate that holds the lease. Undefined: nobody does. */
  readonly leader: Leader | undefined;

  constructor(
    readonly election: string,
    readonly tick: string,
    miss: Miss,
  ) {
    const isSuperseded = miss.role === "superseded";
    super(`Tick ${tick} of "${election}" ${isSuperseded ? superseded(miss) : notCompleted(miss)}`);
    this.because = isSuperseded ? "superseded" : "not-completed";
    this.completed = isSuperseded ? miss.completed : "no";
    this.lastTick = isSuperseded ? miss.lastTick : undefined;
    this.leader = isSuperseded ? undefined : miss.leader;
  }
}

function superseded({ completed, lastTick }: Extract<Miss, { role: "superseded" }>): string {
  return completed === "no"
    ? `has not completed, and was superseded: tick ${lastTick} has completed. Suggestion: if each tick must run, set ` +
        'ticks: "every"; if only the latest must, set onMissedTick: "return".'
    : `was superseded: it is older than the last ${MAX_TICKS} completed ticks, so nobody knows whether it completed. ` +
        "Suggestion: look for its results, and make up for it by hand if there are none.";
}

function notCompleted({ leader }: Extract<Miss, { role: "follower" }>): string {
  const [why, then] = leader
    ? [`${leader.candidateId} holds the lease in term ${leader.term}`, "let Lambda try it again"]
    : [
        "nobody leads (the lease is reserved for another group, the election is paused, or its last leader has just ended)",
        "let Lambda try it again, and resume the election if it is paused",
      ];
  return (
    `has not completed, and this invocation can wait no longer: ${why}. Suggestion: ${then}; if a missed tick is no ` +
    'failure, set onMissedTick: "return".'
  );
}
