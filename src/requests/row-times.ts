import type { Instant } from "../clock.js";
import { DAY_MS } from "../limits.js";
import { isSessionRow } from "../protocol/sessions.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { TableTime } from "../table-time.js";

/** How long what a holder writes lasts: its lease (rule 14b), and the `ttl` of its row (rules 13b and 14a). */

/**
 * A session's row is kept for a week after its last heartbeat, far longer than any lease row lasts under it. If its
 * process dies and nobody seals it, the table deletes it some day (rule 14a).
 */
const SESSION_KEPT_MS = 7 * DAY_MS;

/**
 * Rule 14b. Under a session a row without a line is written only when something changes, so whoever polls by it polls
 * seldom. For a line the holder renews as without a session (rule 14k).
 */
export function rowTimes({ leaseDurationMs, renewIntervalMs, rowLeaseMs, order }: ResolvedOptions): {
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
} {
  if (rowLeaseMs === undefined) return { leaseDurationMs, renewIntervalMs };
  const quietMs = Math.ceil(rowLeaseMs / 2);
  return { leaseDurationMs: rowLeaseMs, renewIntervalMs: order === "random" ? quietMs : renewIntervalMs };
}

/** Undefined under a session: such a lease lasts as long as the session (rule 14b). */
export function expiresAt(options: ResolvedOptions, time: TableTime, sent: Instant): number | undefined {
  return options.rowLeaseMs === undefined ? time.expiresAt(sent) : undefined;
}

/** A `ttl` for the lease row: a reservation outlives the name. */
export function deletableFrom(
  { deleteIdleAfterMs }: ResolvedOptions,
  time: TableTime,
  sent: Instant,
  reservedMs = 0,
): number | undefined {
  return deleteIdleAfterMs === undefined
    ? undefined
    : time.ttlAfter(sent, Math.max(deleteIdleAfterMs, reservedMs));
}

/** Of a session's own row (rule 14a). Undefined: it is another row. */
export function sessionTtl(row: string, time: TableTime, sent: Instant): number | undefined {
  return isSessionRow(row) ? sessionKeptUntil(time, sent) : undefined;
}

/** A session's row always has a `ttl`. If the table's time is not known, this host's is good enough for a week. */
export function sessionKeptUntil(time: TableTime, sent: Instant): number {
  return time.ttlAfter(sent, SESSION_KEPT_MS) ?? Math.ceil((sent.wallMs + SESSION_KEPT_MS) / 1_000);
}
