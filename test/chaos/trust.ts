import { eventsOf, type HistoryEvent, type Violation } from "./history.js";

/** From `from` to `to` this candidate surely trusted its lease, whatever was delayed or frozen meanwhile. */
export interface SureTrust {
  readonly candidate: string;
  readonly term: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Trust is continuous from the election to its end, and every view was asked for after the election: so between the
 * first and the last moment at which it was seen to be trusted, it was. Sorted by `from`.
 */
export function sureTrust(history: readonly HistoryEvent[]): SureTrust[] {
  const spans = new Map<string, SureTrust>();
  for (const { candidate, term, asked, trusted } of eventsOf(history, "view")) {
    if (!trusted) continue;
    const key = `${candidate} ${term}`;
    const { from = asked, to = asked } = spans.get(key) ?? {};
    spans.set(key, { candidate, term, from: Math.min(from, asked), to: Math.max(to, asked) });
  }
  return [...spans.values()].sort((a, b) => a.from - b.from);
}

/**
 * Rule `exclusion`. With a clock of a wrong rate on the way from the one term to the other, the overlap is only
 * counted: one taken too early by such a candidate, and given back, is free for an honest one.
 */
export function checkExclusion(history: readonly HistoryEvent[]): {
  violations: Violation[];
  bySkew: number;
} {
  const skew = new Skew(history);
  const violations: Violation[] = [];
  let bySkew = 0;
  const spans = sureTrust(history);
  spans.forEach((a, i) => {
    for (const b of spans.slice(i + 1)) {
      if (b.from > a.to) break;
      if (skew.between(a.term, b.term, b.from)) {
        bySkew += 1;
        continue;
      }
      const ms = Math.round(Math.min(a.to, b.to) - b.from);
      violations.push({
        rule: "exclusion",
        what: `term ${a.term} (${a.candidate}) and term ${b.term} (${b.candidate}) were both trusted for ${ms} ms from ${Math.round(b.from)}`,
      });
    }
  });
  return { violations, bySkew };
}

class Skew {
  readonly #candidates = new Set<string>();
  readonly #owners = new Map<number, string[]>();
  #firstAt = Number.POSITIVE_INFINITY;

  constructor(history: readonly HistoryEvent[]) {
    for (const event of history) {
      if (event.type === "life" && event.rate !== 1) {
        this.#candidates.add(event.candidate);
        this.#firstAt = Math.min(this.#firstAt, event.at);
      }
      if (event.type === "elected" || event.type === "view" || event.type === "landed") {
        const owners = this.#owners.get(event.term);
        if (!owners) this.#owners.set(event.term, [event.candidate]);
        else if (!owners.includes(event.candidate)) owners.push(event.candidate);
      }
    }
  }

  /** Whether a term from the one to the other was, or may have been, that of a candidate with a wrong rate. */
  between(oneTerm: number, otherTerm: number, at: number): boolean {
    for (let term = Math.min(oneTerm, otherTerm); term <= Math.max(oneTerm, otherTerm); term++) {
      const owners = this.#owners.get(term);
      if (owners ? owners.some((owner) => this.#candidates.has(owner)) : this.#firstAt <= at) return true;
    }
    return false;
  }
}
