import { describe } from "../src/describe.js";
import { type Lease, sessionOf } from "../src/protocol/lease.js";
import { type SessionEnd, standing } from "../src/protocol/under-session.js";
import type { TermRecord } from "../src/protocol/verbs.js";
import type { RowAt } from "../src/views/table-reader.js";

/** The rows of one election. */
export interface Known {
  readonly election: string;
  /** As people see it: a lease under a session has the times of its session. */
  readonly lease: Lease;
  /** The lease row names a holder, and its session is over. */
  readonly over: SessionEnd | undefined;
  readonly terms: readonly TermRecord[];
  readonly atMs: number;
}

/** A row that this library did not write, or that was damaged. */
export interface Malformed {
  readonly key: string;
  readonly problem: string;
}

/** Which sessions leases are held under whose rows are not among these. Pure. */
export function sessionsMissing(rows: readonly RowAt[]): string[] {
  const there = new Set(rows.flatMap((row) => (row.kind === "session" ? row.id : [])));
  const named = rows.flatMap((row) => (row.kind === "lease" ? (sessionOf(row.lease) ?? []) : []));
  return [...new Set(named)].filter((id) => !there.has(id));
}

/**
 * Groups rows by election. A malformed row is reported and hides no other row. `others`: rows of sessions that are not among
 * the rows. Pure.
 */
export function byElection(
  rows: Iterable<RowAt>,
  others: ReadonlyMap<string, Lease> = new Map(),
): { known: Known[]; malformed: Malformed[] } {
  const sessions = new Map(others);
  const leases = new Map<string, { lease: Lease; atMs: number }>();
  const terms = new Map<string, TermRecord[]>();
  const malformed: Malformed[] = [];
  for (const row of rows) {
    const { partition, sortKey, atMs } = row;
    if (row.kind === "lease") leases.set(partition, { lease: row.lease, atMs });
    if (row.kind === "session") sessions.set(row.id, row.session);
    if (row.kind === "term") {
      const ofElection = terms.get(partition);
      if (ofElection) ofElection.push(row.record);
      else terms.set(partition, [row.record]);
    }
    if (row.kind === "malformed") {
      // Rows and their keys can come from anywhere.
      const key = [partition, sortKey].map((part) => (NAME_OR_SORT_KEY.test(part) ? part : describe(part)));
      malformed.push({ key: key.join(" "), problem: row.problem.message });
    }
  }
  const known = [...leases]
    // Term 0 is a placeholder: the election may never have a leader. A row that may be deleted is of an unused name.
    .filter(([, { lease }]) => lease.term > 0 && !(lease.kind === "vacant" && lease.ttl !== undefined))
    .map(([election, { lease, atMs }]) => {
      const session = sessions.get(sessionOf(lease) ?? "");
      return { election, ...standing(lease, session), terms: terms.get(election) ?? [], atMs };
    })
    .sort((a, b) => (a.election < b.election ? -1 : 1));
  return { known, malformed };
}

const NAME_OR_SORT_KEY = /^[A-Za-z0-9._/#-]{1,213}$/;
