import type { Instant } from "../clock.js";
import { endsAtMs, hasSurelyPassed } from "./expiry.js";
import type { TimeBounds } from "./service-clock.js";
import type { CandidateRow } from "./verbs.js";

/**
 * The candidates of an election, as one observer knows them (rule 7a). A candidate is alive while its row keeps
 * changing, by the observer's own clock, or until its `expiresAt` has surely passed by the table's. Pure.
 */
export type Membership = ReadonlyMap<string, Member>;

interface Member {
  readonly row: CandidateRow;
  readonly changedMs: number;
  /** It may be dead: it does not count until its row is seen to change. */
  readonly suspected: boolean;
}

/** A candidate counts as dead after this many refresh intervals without a refresh. */
const MISSED_REFRESHES = 2.5;

/** A dead candidate's row stays for this many lifetimes after its end: the candidate may only be cut off. */
const KEPT_LIFETIMES = 4;

/** A leader deletes at most this many rows of the dead after reading them once. */
export const MAX_DELETED = 25;

export function lifetimeMs(refreshIntervalMs: number): number {
  return Math.ceil(refreshIntervalMs * MISSED_REFRESHES);
}

/** The membership after another read. `suspects` are candidates that did not act when it was their turn. */
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
      const same = known.row.heartbeat === row.heartbeat;
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
    .filter((member) => !member.suspected && memberEndMs(member, now, service) >= now.monotonicMs)
    .map(({ row }) => row);
}

/** When a member is dead unless it refreshes its row, in monotonic time. */
export function memberEndMs(
  { row, changedMs }: Pick<Member, "row" | "changedMs">,
  now: Instant,
  service: TimeBounds | undefined,
): number {
  const durationMs = lifetimeMs(row.refreshIntervalMs);
  return endsAtMs({ firstSeenMs: changedMs, durationMs, until: row.expiresAt }, now, service);
}

/**
 * The rows that a leader may delete (rule 7b): those whose candidates have surely been dead for long, by the
 * table's clock. The leader's own observation is not enough, since others may know more. A candidate that was
 * alive after all writes its row again with its next refresh.
 */
export function deletableRows(
  rows: readonly CandidateRow[],
  me: string,
  now: Instant,
  service: TimeBounds | undefined,
): CandidateRow[] {
  const isDeletable = ({ candidateId, expiresAt, refreshIntervalMs }: CandidateRow) =>
    candidateId !== me &&
    expiresAt !== undefined &&
    hasSurelyPassed(expiresAt + KEPT_LIFETIMES * lifetimeMs(refreshIntervalMs), now, service);
  return rows.filter(isDeletable).slice(0, MAX_DELETED);
}
