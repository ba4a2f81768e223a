import { type Instant, longestElapsedMs } from "../clock.js";
import { trustLeftMs, trustMs } from "../protocol/expiry.js";
import type { Held, Lease, TermLease } from "../protocol/lease.js";
import type { Acquire } from "../protocol/move.js";
import { isDoubted, type WriteResult } from "../requests/write-result.js";
import type { Candidacy } from "./candidacy.js";
import type { SeenRow } from "./seen-row.js";
import { inTurn, type Under } from "./under.js";

/** A lease that was just acquired. */
export interface Elected {
  readonly lease: Held;
  /** Read before the acquiring request left. */
  readonly sent: Instant;
  /** The row that it followed. */
  readonly previous: TermLease | undefined;
  /** The row of the session under which that one was held, as it ended. */
  readonly previousSession?: Lease | undefined;
  /** The last term before it, if its row is gone and it may not have been given back. */
  readonly vanishedTerm: number | undefined;
}

export interface Won extends Elected {
  readonly kind: "elected";
  /** Who held it before, if that was seen. */
  readonly lastHolder: string | undefined;
}

/** It was refused, or it is not used. */
export interface NotWon {
  readonly kind: "notWon";
  /** Nothing that was seen says why, so the next try could be refused at once again. */
  readonly isUnexplained: boolean;
  /** A later row was noted, or the session was lost, before it left. So it has shown nothing. */
  readonly isUnsent?: boolean;
}

const UNEXPLAINED: NotWon = { kind: "notWon", isUnexplained: true };
const NOT_USED: NotWon = { kind: "notWon", isUnexplained: false };

/** Rules 2a and 2c. Sends one acquire, and says what has become of it. Rejects as verbs do. */
export async function acquire(
  { client, options, emit, lastWill, under }: Candidacy,
  seen: SeenRow,
  { basis, term }: Acquire,
  signal: AbortSignal | undefined,
): Promise<Won | NotWon> {
  const session = await under?.open();
  signal?.throwIfAborted();
  const before = seen.beforeAcquire();
  await lastWill?.beforeAcquire({ basis, term });
  let written: WriteResult<Held> | undefined;
  let isSent = false;
  try {
    const send = async () => {
      signal?.throwIfAborted();
      // The session can be lost, and a later row noted, while this claim waits for its turn.
      if (!isTrusted(under, session) || !seen.isLast(basis)) return undefined;
      isSent = true;
      return client.acquire({ basis, term, session });
    };
    const acquiring = inTurn("claim", under, send);
    // Rule 11f. A leadership begins when also a kill would be noticed.
    [written] = await Promise.all([acquiring, lastWill?.prepare()]);
  } catch (error) {
    if (isSent) seen.unanswered(basis);
    throw error;
  }
  if (written === undefined)
    return { kind: "notWon", isUnexplained: !isTrusted(under, session), isUnsent: true };
  const { succeeded, lease, sent, received } = written;
  const isOvertaken = succeeded && seen.hasOvertaken(lease);
  if (lease === undefined && basis.founding) seen.foundingRefused();
  else seen.observe(lease, received.monotonicMs, true, sent.monotonicMs);
  // The row that was noted says nothing of this one.
  if (isOvertaken) seen.unanswered(basis);
  if (!succeeded) {
    emit({ type: "refused", term: lease?.term });
    return isExplained(lease, basis) ? NOT_USED : UNEXPLAINED;
  }
  // It is acquired again; after a restore, when all that was trusted before has run out (rule 6b).
  if (isDoubted(written) || isOvertaken) return NOT_USED;
  // The answer may have taken longer than the lease lasts (pitfall: a lease that has already run out).
  const now = client.time.now();
  if (trustLeftMs(sent, trustMs(options), now) <= 0) return NOT_USED;
  // Rule 14c. The session may have been lost meanwhile.
  if (!isTrusted(under, session)) return NOT_USED;
  emit({ type: "elected", term: lease.term, tookMs: longestElapsedMs(sent, now) });
  return { kind: "elected", lease, sent, ...before };
}

/** By the row that came with the refusal. */
function isExplained(lease: Lease | undefined, basis: Acquire["basis"]): boolean {
  // An older row than the one that was seen: if reads and writes go on to disagree, nothing must run hot.
  if (lease === undefined || lease.term < basis.term) return false;
  const isAsSeen = lease.term === basis.term && lease.revision === basis.revision;
  return !isAsSeen || lease.pausedBy !== undefined;
}

/** @param session undefined: it needs none. */
function isTrusted(under: Under | undefined, session: string | undefined): boolean {
  return session === undefined || (under?.trustLeftMs(session) ?? 0) > 0;
}
