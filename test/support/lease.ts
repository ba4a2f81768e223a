import type { Held, Lease, LeaseRow, TermLease, Vacant } from "../../src/protocol/lease.js";

/** What a lease row may tell, in whatever state it is. */
export type Facts = Partial<Omit<Held, "kind" | "holder"> & Omit<Vacant, "kind">> & {
  readonly holder?: string | undefined;
};

/** For assertions, which also say what a row does not tell. */
export function factsOf(lease: Lease | undefined): Facts | undefined {
  return lease;
}

const ROW = { revision: 9, leaseDurationMs: 3_000, renewIntervalMs: 1_000 } satisfies LeaseRow;

/** A row somebody holds; of a vacant one too, which then tells no end. */
export function heldLease(facts: Facts = {}): Held {
  const { holder = "a", endReason, endedAt, isAcknowledged, reservation, ...row } = facts;
  return { ...ROW, term: 5, ...row, holder, kind: "held" };
}

/** A row that was given back; of a held one too, whose holder is gone then. */
export function vacantLease(facts: Facts = {}): Vacant {
  const { holder, session, stepDown, announcement, ...row } = facts;
  return { ...ROW, term: 5, ...row, kind: "vacant" };
}

/** As the store parses it: held if there is a holder. */
export function leaseOf(facts: Facts): TermLease {
  return facts.holder === undefined ? vacantLease(facts) : heldLease(facts);
}

export function placeholder(revision = 77): Lease {
  return { ...ROW, kind: "placeholder", term: 0, revision };
}
