import type { Instant } from "../clock.js";
import type { EndReason } from "../errors.js";
import { SESSION_PARTITION_PREFIX } from "../limits.js";
import { endsAtMs } from "./expiry.js";
import type { Lease, Vacant } from "./lease.js";
import { isOlder, type Observation } from "./observation.js";
import type { TimeBounds } from "./service-clock.js";

/** Rule 14. One heartbeat for the leases of a process. Pure. */

/** The partition of a session's row. No election has such a name. */
export function sessionRowName(id: string): string {
  return SESSION_PARTITION_PREFIX + id;
}

/** Whether a row of this name is a session's. */
export function isSessionRow(name: string): boolean {
  return name.startsWith(SESSION_PARTITION_PREFIX);
}

/** How many leases of the session a lease row under it lasts (rule 14b). */
export const ROW_LEASES = 16;
/** After how many leases of the session its holder looks at its lease rows (rule 14c). */
export const LOOK_LEASES = 8;

/** The revision of a session's row until its first heartbeat. */
export const OPENING_REVISION = 1;

/** Rule 14b. The `leaseDurationMs` of a lease row under a session. */
export function rowLeaseMs({
  leaseDurationMs,
  maxStallMs = 0,
}: {
  readonly leaseDurationMs: number;
  readonly maxStallMs?: number | undefined;
}): number {
  return ROW_LEASES * leaseDurationMs + maxStallMs;
}

/** What others make of a session, by its row. */
export type SessionFate =
  /** It counts as alive until then, by the observer's monotonic clock, if its row does not change. */
  | { readonly kind: "alive"; readonly untilMs: number }
  /** It has run out. It ends for ever once its row is sealed on this pair (rule 14d). */
  | { readonly kind: "dead"; readonly seal: { readonly term: number; readonly revision: number } }
  /** It has ended for ever: its leases are free. */
  | { readonly kind: "ended"; readonly sinceMs: number; readonly reason: EndReason }
  /** It proves no death: each lease is free when its own `leaseDurationMs` has passed since then (rule 14e). */
  | { readonly kind: "tombstone"; readonly sinceMs: number }
  /** There is no row. A consistent read must say so before it is buried. */
  | { readonly kind: "missing" };

/** `sinceMs`: when it was first seen so, by the observer's monotonic clock. */
export function sessionFate(
  observation: Observation,
  now: Instant,
  service: TimeBounds | undefined,
  { useServiceClock }: { readonly useServiceClock: boolean },
): SessionFate {
  const { lease, firstSeenMs } = observation;
  if (lease === undefined) return { kind: "missing" };
  if (lease.kind === "placeholder") return { kind: "tombstone", sinceMs: firstSeenMs };
  if (lease.kind === "vacant") {
    const { endReason: reason } = lease;
    const isProof = reason !== undefined && !isTombstone(lease);
    return isProof
      ? { kind: "ended", sinceMs: firstSeenMs, reason }
      : { kind: "tombstone", sinceMs: firstSeenMs };
  }
  // A row that was put back says nothing of the time (rule 6b).
  const clock = useServiceClock && !isOlder(observation, lease) ? service : undefined;
  const { term, revision, leaseDurationMs: durationMs, expiresAt: until } = lease;
  const untilMs = endsAtMs({ firstSeenMs, durationMs, until }, now, clock);
  return untilMs <= now.monotonicMs ? { kind: "dead", seal: { term, revision } } : { kind: "alive", untilMs };
}

/**
 * Rules 14d and 14e. A seal upon the opening proves no death: a late copy of the opening can have made the row again while
 * the session lives. Nor does an end that no holder and no seal wrote.
 */
export function isTombstone({ endReason, revision }: Pick<Vacant, "endReason" | "revision">): boolean {
  if (endReason === "expired") return revision <= OPENING_REVISION + 1;
  return endReason === undefined || endReason === "deleted" || endReason === "evicted";
}

/** Which lease rows the holder of a session has changed (rule 14g). */
export interface Changes {
  /** All that there ever were in this session. */
  readonly count: number;
  /** The elections of the last ones, the newest first. */
  readonly names: readonly string[];
}

export const NO_CHANGES: Changes = { count: 0, names: [] };

/** The longest change log, in characters. */
const MAX_LOG = 1_000;

export function withChange({ count, names }: Changes, name: string): Changes {
  const all = [name, ...names];
  let length = String(count + 1).length;
  const kept = all.filter((one) => {
    length += 1 + one.length;
    return length <= MAX_LOG;
  });
  return { count: count + 1, names: kept };
}

/** The text of the change log: the session's `value`. Undefined: nothing has changed yet. */
export function writeChanges({ count, names }: Changes): string | undefined {
  return count === 0 ? undefined : [count, ...names].join(" ");
}

/** A text of another form, which this library does not write, names nothing. */
export function readChanges(text: string | undefined): Changes {
  const [count = "", ...names] = text?.split(" ") ?? [];
  return /^\d{1,15}$/.test(count) ? { count: Number(count), names } : NO_CHANGES;
}

/** Elections whose rows must be read. Undefined: any can be meant. */
export type Named = readonly string[] | undefined;

/** The elections that have changed since there were `before` changes. Undefined: some are not named any more. */
export function changedSince(before: number, { count, names }: Changes): Named {
  const missed = count - before;
  if (missed === 0) return [];
  return missed > 0 && missed <= names.length ? [...new Set(names.slice(0, missed))] : undefined;
}

/** The nudges in a session's row (rule 14h). */
export interface Nudges {
  /** All that there ever were in this session. */
  readonly count: number;
  /** The election of the last one. */
  readonly last: string | undefined;
}

export const NO_NUDGES: Nudges = { count: 0, last: undefined };

export function nudgesOf(row: Lease | undefined): Nudges {
  if (row === undefined || row.kind === "placeholder") return NO_NUDGES;
  return { count: row.nudges ?? 0, last: row.nudged };
}

/** The elections that the nudges since `before` nudges are about. Undefined: the row names the last one only. */
export function nudgedSince(before: number, { count, last }: Nudges): Named {
  const missed = count - before;
  if (missed === 0) return [];
  return missed === 1 && last !== undefined ? [last] : undefined;
}

/** What either of two names. */
export function bothNamed(one: Named, other: Named): Named {
  return one && other && [...one, ...other];
}
