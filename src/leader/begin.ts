import type { Won } from "../candidate/acquire.js";
import type { Bid } from "../candidate/bid.js";
import type { Candidacy } from "../candidate/candidacy.js";
import type { Registration } from "../candidate/registration.js";
import type { Under } from "../candidate/under.js";
import { type Instant, longestElapsedMs } from "../clock.js";
import { type EndReason, InternalError } from "../errors.js";
import type { LastWill } from "../last-will/last-will.js";
import type { Held, Lease } from "../protocol/lease.js";
import type { HeartbeatAids } from "./heartbeat-aids.js";
import type { HeldUnder } from "./held-under.js";
import { IdleDeletion } from "./idle-deletion.js";
import { Leadership } from "./leadership.js";
import { mayBeFounded, untilStillHeld } from "./still-held.js";
import { Succession } from "./succession.js";
import { Tenure } from "./tenure.js";
import { TermHistory } from "./term-history.js";

/** The same session, as one that also leads needs it. */
interface UnderToLead extends Under {
  /** For the lease that was acquired. Its tenure begins in the same step. */
  hold(lease: Held): HeldUnder & { begins(tenure: Tenure): void };
}

/** What one candidate leads with. */
export interface Leading extends Candidacy {
  readonly under: UnderToLead | undefined;
  /** Under a session: of a tick that is just being completed. */
  readonly tickWill: Pick<LastWill, "during" | "beforeResignation" | "observed"> | undefined;
  readonly heartbeat: HeartbeatAids | undefined;
}

/** A leadership that begins now. */
export interface Begun {
  readonly leadership: Leadership;
  readonly tenure: Tenure;
}

/** The lease was lost before anything began, for this reason. */
export class NotBegun {
  constructor(readonly ended: EndReason | undefined) {}
}

interface Starting {
  readonly tenure: Tenure;
  readonly history: TermHistory;
  readonly under: HeldUnder | undefined;
}

/** The tenure of what was won. It does not renew yet. */
export function tenureOf(
  won: Won,
  { client, options, emit, lastWill, tickWill, heartbeat, under: seat }: Leading,
  registration: Registration,
  observer: { observed(row: Lease, sent: Instant): void },
  onOver: () => Promise<unknown>,
): Starting {
  const { lease, previous, lastHolder } = won;
  const under = seat?.hold(lease);
  const history = new TermHistory(client, options, lease, won, under);
  const tenure = new Tenure(won, client, options, emit, observer, {
    succession: new Succession(client, options, registration, previous, lastHolder),
    history,
    idleDeletion: new IdleDeletion(client, options, emit, lease),
    lastWill: tickWill ?? lastWill,
    heartbeat,
    under,
    onOver,
  });
  under?.begins(tenure);
  return { tenure, history, under };
}

/**
 * Rule 8a. Starts a tenure, and resolves when its work may begin. If the caller has aborted while the acquire was under way, it
 * gives the lease back and rejects with the signal's reason. If the lease was lost before the first stand-ins were signed
 * (rule 12a), it resolves to `NotBegun`.
 */
export async function untilBegun(
  { tenure, history, under }: Starting,
  { client, options }: Leading,
  { previous, sent }: Won,
  bid: Bid,
): Promise<Begun | NotBegun> {
  const covering = tenure.start();
  // Rule 13d. The history may say that the last term was given back, and a founder would not wait for this one.
  const isForgettable = previous?.kind === "vacant" && previous.ttl !== undefined;
  // Rule 14i. A founder must find in history how long a lease under a session lasts.
  const mustBeInHistory = isForgettable || under !== undefined;
  if (covering !== undefined) await covering;
  if (mustBeInHistory) {
    const isOver = () => tenure.isOver || bid.isAborted;
    try {
      await history.untilRecorded(isOver);
      const tookMs = longestElapsedMs(sent, client.time.now());
      if (mayBeFounded(previous, tookMs)) await untilStillHeld(tenure, client, options, under, isOver);
    } catch (error) {
      // The work cannot begin, and the lease must not be kept for it.
      if (error instanceof InternalError) tenure.fail(error);
      await tenure.release("resigned");
      throw error;
    }
  }
  if (bid.isAborted) {
    await tenure.release("resigned");
    bid.throwIfAborted();
  }
  if ((covering !== undefined || mustBeInHistory) && tenure.isOver) {
    void under?.released("lost", tenure.endReason);
    if (tenure.fault) throw tenure.fault;
    return new NotBegun(tenure.endReason);
  }
  return { leadership: new Leadership(tenure, client), tenure };
}
