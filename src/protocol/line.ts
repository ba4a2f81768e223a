import { MAX_LINE } from "../limits.js";

/** The order in which candidates try when the holder is gone (rule 7c). Pure. Safety does not depend on it. */

/** A candidate, by its row. */
export interface Candidate {
  readonly candidateId: string;
  readonly label: string;
  /** Its number in the order of arrival. */
  readonly arrival: number;
  readonly rank: number;
  /** Whether it can lead. */
  readonly eligible: boolean;
  readonly group?: string | undefined;
  /** What it publishes, such as an endpoint. */
  readonly value?: string | undefined;
}

/** Compares two candidates. Below 0: `a` goes before `b`. */
export type CompareCandidates = (a: Candidate, b: Candidate) => number;

export type Order = "random" | "arrival" | "rank" | "ring" | CompareCandidates;

export function isOrder(order: unknown): order is Order {
  return typeof order === "function" || ["random", "arrival", "rank", "ring"].includes(order as string);
}

/** Whether this order keeps a line. */
export function keepsLine(order: Order): boolean {
  return order !== "random";
}

/** The candidates that come after this holder, the standby first. */
export function lineOf(
  order: Order,
  candidates: readonly Candidate[],
  holder: { readonly candidateId: string; readonly arrival: number | undefined },
): string[] {
  if (!keepsLine(order)) return [];
  const waiting = candidates.filter(
    ({ candidateId, eligible }) => eligible && candidateId !== holder.candidateId,
  );
  return waiting
    .sort(comparing(order, holder.arrival ?? 0))
    .slice(0, MAX_LINE)
    .map(({ candidateId }) => candidateId);
}

function comparing(order: Order, holderArrival: number): CompareCandidates {
  const byArrival: CompareCandidates = (a, b) => a.arrival - b.arrival;
  if (typeof order === "function") return (a, b) => order(a, b) || byArrival(a, b);
  if (order === "rank") return (a, b) => b.rank - a.rank || byArrival(a, b);
  if (order === "ring") {
    const isAfter = ({ arrival }: Candidate) => (arrival > holderArrival ? 0 : 1);
    return (a, b) => isAfter(a) - isAfter(b) || byArrival(a, b);
  }
  return byArrival;
}

/**
 * Rule 7f. The candidate that should lead instead of a holder of this rank: the first in line with a strictly
 * higher rank.
 */
export function preemptedBy(
  candidates: readonly Candidate[],
  line: readonly string[],
  holderRank: number,
): string | undefined {
  const higher = new Set(
    candidates.filter(({ rank }) => rank > holderRank).map(({ candidateId }) => candidateId),
  );
  return line.find((candidateId) => higher.has(candidateId));
}
