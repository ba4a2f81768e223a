import type { Instant } from "../clock.js";
import { endsAtMs, hasSurelyPassed } from "./expiry.js";
import type { TimeBounds } from "./service-clock.js";
import type { CandidateRow } from "./verbs.js";

/**
 * Who stands for election, as one observer knows it. A candidate is alive while its row goes on changing, by the
 * observer's own clock, or until the time it gave has surely passed by the table's. Pure.
 */
export type Membership = ReadonlyMap<string, Member>;

interface Member {
  readonly row: CandidateRow;
  readonly changedMs: number;
  /** It did not act when it should have: not counted until it is seen to live. */
  readonly suspected: boolean;
}

/** Refreshes that may be missed before a candidate counts as dead. */
const MISSED_REFRESHES = 2.5;

/** Lifetimes after its end in which a dead candidate's row stays: it may only be cut off, and come back. */
const KEPT_LIFETIMES = 4;

/** A leader deletes so many rows of the dead after one reading of them. */
export const MAX_DELETED = 25;

export function lifetimeMs(refreshMs: number): number {
  return Math.ceil(refreshMs * MISSED_REFRESHES);
}

/** What is known after another read. `suspects` are those who had been called on and did not come. */
export function updateMembership(
  before: Membership,
  rows: readonly CandidateRow[],
  receivedMs: number,
  suspects: ReadonlySet<string> = new Set(),
): Membership {
  return new Map(
    rows.map((row) => {
      const known = before.get(row.candidateId);
      if (known === undefined) {
        return [row.candidateId, { row, changedMs: receivedMs, suspected: suspects.has(row.candidateId) }];
      }
      const same = known.row.beat === row.beat;
      return [row.candidateId, same ? { ...known, row } : { row, changedMs: receivedMs, suspected: false }];
    }),
  );
}

export function aliveMembers(
  membership: Membership,
  now: Instant,
  service: TimeBounds | undefined,
): CandidateRow[] {
  return [...membership.values()]
    .filter(({ row, changedMs, suspected }) => {
      const durationMs = lifetimeMs(row.refreshMs);
      const lapse = { firstSeenMs: changedMs, durationMs, until: row.expiresAt };
      return !suspected && endsAtMs(lapse, now, service) >= now.monotonicMs;
    })
    .map(({ row }) => row);
}

/**
 * Whose rows a leader may delete: they have surely been dead for long, by the table's clock. Its own observation is not
 * enough, since others may know more. Who was alive after all brings its row back with its next refresh.
 */
export function deletableRows(
  rows: readonly CandidateRow[],
  me: string,
  now: Instant,
  service: TimeBounds | undefined,
): CandidateRow[] {
  const isDeletable = ({ candidateId, expiresAt, refreshMs }: CandidateRow) =>
    candidateId !== me &&
    expiresAt !== undefined &&
    hasSurelyPassed(expiresAt + KEPT_LIFETIMES * lifetimeMs(refreshMs), now, service);
  return rows.filter(isDeletable).slice(0, MAX_DELETED);
}
