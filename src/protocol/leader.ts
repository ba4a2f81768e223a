import type { Lease } from "./lease.js";

/** Who leads, as the lease row says. Times are epoch milliseconds of the table's clock, for display. */
export interface Leader {
  readonly candidateId: string;
  readonly term: number;
  /** What it published: an endpoint, a version. */
  readonly value: string | undefined;
  readonly electedAt: number | undefined;
  readonly renewedAt: number | undefined;
  readonly expiresAt: number | undefined;
  /** The candidate that comes next, if that is known: the first in line. */
  readonly standby: string | undefined;
}

export function leaderOf(lease: Lease | undefined): Leader | undefined {
  if (lease?.holder === undefined) return undefined;
  const { holder: candidateId, term, value, electedAt, renewedAt, expiresAt } = lease;
  return { candidateId, term, value, electedAt, renewedAt, expiresAt, standby: standbyOf(lease) };
}

/** The first in line who is not the holder. Undefined where nobody keeps a line. */
export function standbyOf({ line, holder }: Pick<Lease, "line" | "holder">): string | undefined {
  return line?.find((candidateId) => candidateId !== holder);
}
