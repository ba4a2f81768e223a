import { holderOf, type Lease } from "./lease.js";

/** The leader, by the lease row. Times are milliseconds since the epoch by the table's clock, for people. */
export interface Leader {
  readonly candidateId: string;
  readonly term: number;
  /** What it publishes, such as an endpoint. */
  readonly value: string | undefined;
  readonly electedAt: number | undefined;
  readonly renewedAt: number | undefined;
  readonly expiresAt: number | undefined;
  /** The first in line. Undefined: nobody keeps a line, or it is not known. */
  readonly standby: string | undefined;
}

export function leaderOf(lease: Lease | undefined): Leader | undefined {
  if (lease?.kind !== "held") return undefined;
  const { holder: candidateId, term, value, electedAt, renewedAt, expiresAt } = lease;
  return { candidateId, term, value, electedAt, renewedAt, expiresAt, standby: standbyOf(lease) };
}

/** The first in line that is not the holder. Undefined: there is no line. */
export function standbyOf(lease: Lease): string | undefined {
  if (lease.kind === "placeholder") return undefined;
  return lease.line?.find((candidateId) => candidateId !== holderOf(lease));
}
