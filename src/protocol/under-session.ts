import type { EndReason } from "../errors.js";
import { endReasonIn, type Held, type Lease, sessionOf, type Vacant } from "./lease.js";

/** A lease as people and alarms see it: one under a session lasts as long as its session (rule 14). Pure. No lease depends on it. */

export interface Standing<L extends Lease | undefined = Lease | undefined> {
  /** The lease row. Under a session its times are those of the session's row. */
  readonly lease: L | Held;
  /** The row names a holder, and the session is over. */
  readonly over: SessionEnd | undefined;
}

/** How a session ended. */
export interface SessionEnd {
  /** As the next leader records it: `crashed` if a last will ended the session, `expired` if it ran out or its row is gone. */
  readonly reason: EndReason;
  /** Of a session that was not given back: the latest time at which it ran out. Undefined: nobody knows. */
  readonly at: number | undefined;
  /** How far the true time may be from `at`. Undefined: `at` is the latest time. */
  readonly errorMs: number | undefined;
}

/** `session`: the row of the session that the lease names, if it has one. */
export function standing<L extends Lease | undefined>(lease: L, session: Lease | undefined): Standing<L> {
  if (lease?.kind !== "held" || sessionOf(lease) === undefined) return { lease, over: undefined };
  if (session === undefined || session.kind === "placeholder") return { lease, over: LONG_GONE };
  const over = session.kind === "vacant" ? endOf(session) : undefined;
  // A tombstone has no times of the session.
  if (session.renewedAt === undefined) return { lease, over };
  const { expiresAt, renewedAt, renewedErrorMs, leaseDurationMs, renewIntervalMs } = session;
  const times = { renewedAt, renewedErrorMs, leaseDurationMs, renewIntervalMs };
  return { lease: { ...lease, ...times, expiresAt: over ? over.at : expiresAt }, over };
}

const LONG_GONE: SessionEnd = { reason: "expired", at: undefined, errorMs: undefined };

function endOf(session: Vacant): SessionEnd {
  const { endedAt: at, endedErrorMs: errorMs, expiresAt } = session;
  if (session.endReason === "deleted") return LONG_GONE;
  const reason = endReasonIn(session);
  // A will says no time. A session that was sealed had ended before, when its row ran out.
  const isRunOut = reason === "crashed" || reason === "expired";
  return isRunOut && expiresAt !== undefined
    ? { reason, at: expiresAt, errorMs: undefined }
    : { reason, at, errorMs };
}
