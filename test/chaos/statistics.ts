import { electionsOf, eventsOf, type HistoryEvent, ofElection } from "./history.js";
import { sureTrust } from "./trust.js";

export interface Unavailability {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Statistics {
  readonly leaderships: number;
  /** Of those: of partitions, and under a session. */
  readonly others: number;
  /** Of those: ended by a last will. */
  readonly wills: number;
  readonly fencedWrites: number;
  readonly staleRefused: number;
  readonly unavailabilityMs: Unavailability;
}

export function statisticsOf(history: readonly HistoryEvent[]): Statistics {
  const termsOf = electionsOf(history).map((election) => leadershipsIn(ofElection(history, election)));
  const leaderships = termsOf.reduce((sum, terms) => sum + terms, 0);
  const stale = new Set(
    eventsOf(history, "write")
      .filter((write) => write.stale)
      .map(({ write }) => write),
  );
  return {
    leaderships,
    others: leaderships - (termsOf[0] ?? 0),
    wills: eventsOf(history, "willed").length,
    fencedWrites: eventsOf(history, "landed").filter((landed) => !landed.stale).length,
    staleRefused: eventsOf(history, "outcome").filter(
      ({ write, outcome }) => outcome === "fenced" && stale.has(write),
    ).length,
    unavailabilityMs: unavailability(gapsMs(ofElection(history, undefined))),
  };
}

function leadershipsIn(history: readonly HistoryEvent[]): number {
  const terms = history.flatMap((event) =>
    event.type === "elected" || event.type === "view" || event.type === "landed" ? [event.term] : [],
  );
  return new Set(terms).size;
}

/**
 * Without a leader in the election for which all stand: from the last moment at which one term was surely trusted to the first at which the next
 * was, by the harness's clock. Everything is in it: the time in which the table was down or cut off, a fault
 * with nobody left alive, the wait for a frozen leader's lease, resignations; also that views are taken every
 * few milliseconds only. Overlaps count as 0.
 */
export function gapsMs(history: readonly HistoryEvent[]): number[] {
  const spans = sureTrust(history);
  let trustedUntil = Number.NEGATIVE_INFINITY;
  return spans.flatMap(({ from, to }, i) => {
    const gap = Math.max(0, from - trustedUntil);
    trustedUntil = Math.max(trustedUntil, to);
    return i === 0 ? [] : [gap];
  });
}

/** Nearest rank: each is a gap that there was. */
export function unavailability(gaps: readonly number[]): Unavailability {
  const sorted = [...gaps].sort((a, b) => a - b);
  const rank = (part: number) => Math.round(sorted[Math.ceil(part * sorted.length) - 1] ?? 0);
  return { p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}
