import { describe } from "../src/describe.js";
import type { Lease } from "../src/protocol/lease.js";
import type { TermRecord } from "../src/protocol/verbs.js";
import type { RowAt } from "../src/views/table-reader.js";

/** The rows of one election. */
export interface Known {
  readonly election: string;
  readonly lease: Lease;
  readonly terms: readonly TermRecord[];
  readonly atMs: number;
}

/** A row that this library did not write, or that was damaged. */
export interface Malformed {
  readonly key: string;
  readonly problem: string;
}

/** Groups rows by election. A malformed row is reported and hides no other row. Pure. */
export function byElection(rows: Iterable<RowAt>): { known: Known[]; malformed: Malformed[] } {
  const leases = new Map<string, { lease: Lease; atMs: number }>();
  const terms = new Map<string, TermRecord[]>();
  const malformed: Malformed[] = [];
  for (const row of rows) {
    const { partition, sortKey, atMs } = row;
    if (row.kind === "lease") leases.set(partition, { lease: row.lease, atMs });
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
    .map(([election, seen]) => ({ election, ...seen, terms: terms.get(election) ?? [] }))
    .sort((a, b) => (a.election < b.election ? -1 : 1));
  return { known, malformed };
}

const NAME_OR_SORT_KEY = /^[A-Za-z0-9._/#-]{1,213}$/;
