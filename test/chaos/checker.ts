import { electionsOf, eventsOf, type HistoryEvent, ofElection, type Violation } from "./history.js";
import { checkExclusion } from "./trust.js";
import { checkWrites, LatestTerm } from "./writes.js";

export interface Verdict {
  readonly violations: readonly Violation[];
  /** Overlaps of trust in which a clock of a wrong rate had its part: outside what is promised. */
  readonly exclusionBrokenBySkew: number;
}

/**
 * Which promises a history breaks. Each rule is sound: it holds only what surely happened before what against the
 * protocol, so a slow machine, a frozen worker or a lost message raises no false alarm.
 */
export function check(history: readonly HistoryEvent[]): Verdict {
  const verdicts = electionsOf(history).map((election) => {
    const { violations, exclusionBrokenBySkew } = checkOne(ofElection(history, election));
    const named = violations.map(({ rule, what }) => ({ rule, what: `${election}: ${what}` }));
    return { violations: election === undefined ? violations : named, exclusionBrokenBySkew };
  });
  return {
    violations: [...verdicts.flatMap(({ violations }) => violations), ...crashes(history)],
    exclusionBrokenBySkew: verdicts.reduce((sum, verdict) => sum + verdict.exclusionBrokenBySkew, 0),
  };
}

/** Elections share nothing but the workers: terms, writes and trust are of one each. */
function checkOne(history: readonly HistoryEvent[]): Verdict {
  const { violations: exclusion, bySkew } = checkExclusion(history);
  return {
    violations: [
      ...exclusion,
      ...checkWrites(history),
      ...owners(history),
      ...terms(history),
      ...told(history),
      ...release(history),
      ...wills(history),
      ...liveness(history),
    ],
    exclusionBrokenBySkew: bySkew,
  };
}

function owners(history: readonly HistoryEvent[]): Violation[] {
  const owner = new Map<number, string>();
  const violations = new Map<string, Violation>();
  for (const event of history) {
    if (event.type !== "elected" && event.type !== "view" && event.type !== "landed") continue;
    const { term, candidate } = event;
    const first = owner.get(term) ?? candidate;
    owner.set(term, first);
    if (first !== candidate)
      violations.set(`${term} ${candidate}`, {
        rule: "owner",
        what: `term ${term} belongs to ${first} and to ${candidate}`,
      });
  }
  return [...violations.values()];
}

/** A term that was heard of before another's acquiring request left is the smaller one. */
function terms(history: readonly HistoryEvent[]): Violation[] {
  const latest = new LatestTerm(history);
  return eventsOf(history, "elected").flatMap(({ term, candidate, notBefore }): Violation[] => {
    const before = latest.heardBy(notBefore);
    if (before < term) return [];
    return [
      { rule: "terms", what: `${candidate} was elected for term ${term} after term ${before} had begun` },
    ];
  });
}

function told(history: readonly HistoryEvent[]): Violation[] {
  const ends = new Set<string>();
  return eventsOf(history, "ended").flatMap(({ candidate, term, reason }): Violation[] => {
    const end = `${candidate} ${term}`;
    if (!ends.has(end)) {
      ends.add(end);
      return [];
    }
    return [{ rule: "told", what: `${candidate} got the end of term ${term} again: ${reason}` }];
  });
}

/** What one worker says comes in its own order. A lease that is given back before its work has begun has none that is done. */
function release(history: readonly HistoryEvent[]): Violation[] {
  const working = new Set<string>();
  const done = new Set<string>();
  const violations: Violation[] = [];
  for (const event of history) {
    if (event.type === "view" || event.type === "write") working.add(`${event.candidate} ${event.term}`);
    if (event.type === "workDone") done.add(`${event.candidate} ${event.term}`);
    if (event.type !== "resigned" || event.outcome !== "released") continue;
    const { candidate, term } = event;
    const which = `${candidate} ${term}`;
    if (working.has(which) && !done.has(which))
      violations.push({ rule: "release", what: `${candidate} gave term ${term} back while its work ran` });
  }
  return violations;
}

function crashes(history: readonly HistoryEvent[]): Violation[] {
  return eventsOf(history, "crash").map(({ label, lastWords }) => ({
    rule: "crash",
    what: `${label} ended by itself: ${lastWords}`,
  }));
}

/** Who led next was heard of after the will had landed. By then somebody had ended the worker. */
function wills(history: readonly HistoryEvent[]): Violation[] {
  const elections = eventsOf(history, "elected");
  const doomed = new Map(eventsOf(history, "doomed").map(({ candidate, at }) => [candidate, at]));
  return eventsOf(history, "willed").flatMap(({ candidate, term }): Violation[] => {
    const next = elections.find((elected) => elected.term > term);
    if (!next || (doomed.get(candidate) ?? Number.POSITIVE_INFINITY) < next.at) return [];
    return [{ rule: "will", what: `a will ended term ${term} of ${candidate}, which lived` }];
  });
}

function liveness(history: readonly HistoryEvent[]): Violation[] {
  const calm = eventsOf(history, "calm").at(-1);
  if (!calm) return [{ rule: "liveness", what: "the run never came to its calm end" }];
  const led = eventsOf(history, "view").some(
    ({ trusted, asked }) => trusted && asked > calm.at && asked <= calm.at + calm.boundMs,
  );
  if (led) return [];
  return [{ rule: "liveness", what: `nobody led within ${calm.boundMs} ms after the faults were over` }];
}
