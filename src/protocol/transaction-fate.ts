import { endedTerm, isHeldIn, type Lease, type OwnTerm } from "./lease.js";

/** Rule 9d. What the lease row tells of a numbered transaction whose answer is not known. Pure. */
export type Fate =
  /** It has landed, with this content. Whatever else was sent under the number never will. */
  | { readonly kind: "landed"; readonly id: string }
  /** Nothing was written under the number, and nothing ever will be. */
  | { readonly kind: "never" }
  /** Nothing has landed yet, but a request on its way still may. */
  | { readonly kind: "open" }
  /** The row does not reach back to that term: two leaders have come since, or it was deleted or restored. */
  | { readonly kind: "unknown" };

/** The holder's own term, and the number that it is about to decide. All numbers before have landed. */
export interface Numbered extends OwnTerm {
  readonly number: number;
}

export function fateOf(lease: Lease | undefined, mine: Numbered): Fate {
  if (lease === undefined || lease.kind === "placeholder") return { kind: "unknown" };
  const { term, number } = mine;
  const last = [lease.lastCommit, lease.commitBefore].find((commit) => commit?.term === term);
  const landed = last?.number ?? 0;
  if (last && landed === number) return { kind: "landed", id: last.id };
  // An older row was put back, or another process counts under this term.
  if (landed !== number - 1) return { kind: "unknown" };
  if (isHeldIn(lease, mine)) return { kind: "open" };
  // The row has gone on from that very term: it was given back or evicted, or the next holder has acquired it
  // since.
  const isEnded = lease.kind === "vacant" && endedTerm(lease) === term;
  const isNext = isEnded || lease.previousTerm === term;
  return { kind: isNext ? "never" : "unknown" };
}
