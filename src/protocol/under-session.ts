import type { EndReason } from "../errors.js";
import type { Held, Lease, Vacant } from "./lease.js";
import { isTombstone } from "./sessions.js";

/** A lease as people and alarms see it: one under a session lasts as long as its session (rule 14). Pure. No lease depends on it. */

export interface Standing<L extends Lease | undefined = Lease | undefined> {
  /** The lease row. Under a session its times are those of the session's row. */
  readonly lease: L | Held;
  /** The row names a holder, and the session is over. */
  readonly over: SessionEnd | undefined;
}

/** How a session ended. */
export interface SessionEnd {
  /** `crashed`: its last will ended it; `expired`: it ran out; `session-lost`: it ended while this lease was not given back. */
  readonly reason: EndReason;
  /** Of a session that was not given back: the latest time at which it ran out. Undefined: nobody knows. */
  readonly at: number | undefined;
  /** How far the true time may be from `at`. Undefined: `at` is the latest time. */
  readonly errorMs: number | undefined;
}

/** The id of the session under which somebody holds the lease. */
export function sessionOf(lease: Lease | undefined): string | undefined {
  return lease?.kind === "held" ? lease.session : undefined;
}

/** `session`: the row of the session that the lease names, if it has one. */
export function standing<L extends Lease | undefined>(lease: L, session: Lease | undefined): Standing<L> {
  if (lease?.kind !== "held" || lease.session === undefined) return { lease, over: undefined };
  if (session === undefined || session.kind === "placeholder" || isLost(session))
    return { lease, over: { reason: "session-lost", at: undefined, errorMs: undefined } };
  const { expiresAt, renewedAt, renewedErrorMs, leaseDurationMs, renewIntervalMs } = session;
  const over = session.kind === "vacant" ? endOf(session) : undefined;
  const times = { renewedAt, renewedErrorMs, leaseDurationMs, renewIntervalMs };
  return { lease: { ...lease, ...times, expiresAt: over ? over.at : expiresAt }, over };
}

function isLost(session: Lease): boolean {
  return session.kind === "vacant" && session.renewedAt === undefined && isTombstone(session);
}

function endOf({ endReason, endedAt: at, endedErrorMs: errorMs, expiresAt }: Vacant): SessionEnd {
  if (endReason !== "crashed" && endReason !== "expired") return { reason: "session-lost", at, errorMs };
  // A will says no time. The session had ended when its row ran out, whoever noticed it.
  return expiresAt === undefined
    ? { reason: endReason, at, errorMs }
    : { reason: endReason, at: expiresAt, errorMs: undefined };
}
