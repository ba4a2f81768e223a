import { type EventOf, eventsOf, type HistoryEvent, type Violation } from "./history.js";

/** Rules about what the table accepted: `order`, `register`, `stale`, `acknowledged`, `refused`. */
export function checkWrites(history: readonly HistoryEvent[]): Violation[] {
  const landed = eventsOf(history, "landed");
  const begun = new Map(eventsOf(history, "write").map((write) => [write.write, write]));
  const inRegister = landed.filter(({ stale }) => !stale);
  return [
    ...order(inRegister),
    ...register(inRegister, eventsOf(history, "register").at(-1)?.n, begun),
    ...stale(landed, begun, history),
    ...outcomes(landed, begun, history),
  ];
}

type Landed = readonly EventOf<"landed">[];
type Begun = ReadonlyMap<string, EventOf<"write">>;

function order(landed: Landed): Violation[] {
  return landed.flatMap(({ term, write, n }, i) => {
    const before = landed[i - 1];
    if (!before || before.term <= term) return [];
    return {
      rule: "order",
      what: `write ${n} (${write}) of term ${term} follows one of term ${before.term}`,
    };
  });
}

function register(landed: Landed, counted: number | undefined, begun: Begun): Violation[] {
  const gaps = landed.flatMap(({ n, write }, i): Violation[] =>
    n === i + 1 ? [] : [{ rule: "register", what: `write ${write} is number ${n} and should be ${i + 1}` }],
  );
  const strangers = landed.flatMap(({ write }): Violation[] =>
    begun.has(write) ? [] : [{ rule: "register", what: `nobody sent write ${write}` }],
  );
  if (counted === undefined || counted === landed.length) return [...gaps, ...strangers];
  const what = `the register counted ${counted} writes, its log has ${landed.length}`;
  return [...gaps, ...strangers, { rule: "register", what }];
}

/** A later term that was heard of before a write left existed by then, so its fence must have refused it. */
function stale(landed: Landed, begun: Begun, history: readonly HistoryEvent[]): Violation[] {
  const latest = new LatestTerm(history);
  return landed.flatMap(({ write, term }): Violation[] => {
    const since = begun.get(write)?.since;
    const later = since === undefined ? 0 : latest.heardBy(since);
    if (later <= term) return [];
    const what = `write ${write} of term ${term} was accepted, though term ${later} existed before it left`;
    return [{ rule: "stale", what }];
  });
}

/** The highest term the harness had heard of at a moment: whoever tells of a term tells of one that exists. */
export class LatestTerm {
  readonly #steps: { readonly at: number; readonly term: number }[] = [];

  constructor(history: readonly HistoryEvent[]) {
    const heard = history.filter(
      (event): event is EventOf<"elected"> | EventOf<"view"> =>
        event.type === "elected" || event.type === "view",
    );
    for (const { at, term } of [...heard].sort((a, b) => a.at - b.at)) {
      if (term > (this.#steps.at(-1)?.term ?? 0)) this.#steps.push({ at, term });
    }
  }

  heardBy(at: number): number {
    return this.#steps.findLast((step) => step.at <= at)?.term ?? 0;
  }
}

function outcomes(landed: Landed, begun: Begun, history: readonly HistoryEvent[]): Violation[] {
  const times = new Map<string, number>();
  for (const { write } of landed) times.set(write, (times.get(write) ?? 0) + 1);
  const restarts = history.filter((event) => event.type === "fault" && event.kind === "restartTable");
  const violations: Violation[] = [...times].flatMap(([write, count]) =>
    count === 1 ? [] : [{ rule: "acknowledged", what: `write ${write} is there ${count} times` }],
  );
  for (const { write, outcome, at, candidate } of eventsOf(history, "outcome")) {
    const isThere = times.has(write);
    if (outcome === "accepted" && !isThere)
      violations.push({ rule: "acknowledged", what: `write ${write} of ${candidate} is not there` });
    if (outcome === "unknown" || outcome === "accepted" || !isThere) continue;
    // A table that was killed may have forgotten that it had seen this request already.
    const since = begun.get(write)?.since ?? 0;
    if (restarts.some((restart) => restart.at >= since && restart.at <= at)) continue;
    violations.push({ rule: "refused", what: `write ${write} of ${candidate} was ${outcome}, but is there` });
  }
  return violations;
}
