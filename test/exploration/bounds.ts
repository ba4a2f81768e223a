/**
 * How far is explored. Time is not bounded: ages that no rule can tell apart count as one, and so do revisions
 * in the same order, so that finitely many states hold every future, however long.
 */
export interface Bounds {
  readonly candidates: number;
  /** Whether the election has had a leader before; if not, there is no row, and it must be founded. */
  readonly founded: boolean;
  /** When so many were begun, no acquire is sent any more. */
  readonly tenures: number;
  readonly leaseTicks: number;
  readonly marginTicks: number;
  /** Of all faults below together. */
  readonly faults: number;
  readonly crashes: number;
  /** Answers that never come, whether the request landed or not. */
  readonly lostAnswers: number;
  /** Requests that are given up by their senders, and land afterwards, at any time or never. */
  readonly lateRequests: number;
  /** Requests that their SDK sends once more. */
  readonly sentTwice: number;
  /** Whether a candidate that crashes leaves its last will (rule 2n) to something that outlives it. */
  readonly wills: boolean;
  /** Of whoever has crashed: what was to execute its wills is gone too, or has given up. */
  readonly lostWills: number;
  /** Something closes the pipe by whose end a crash is noticed, and the process lives. */
  readonly endedPipes: number;
  /** By an operator. */
  readonly evictions: number;
  readonly deletions: number;
  /**
   * Of one candidate's clocks: slow or fast by as much as the margin allows, or one of the two standing still; with
   * the service clock also a wall clock that is stepped. Its headers do not lie: one of two witnesses is right.
   */
  readonly clockFaults: number;
  /** Of one candidate: from then on its headers may lie, at any time, as far as matters. With the service clock. */
  readonly lyingHeaders: number;
  /** Writes that carry their term. */
  readonly fencedWrites: number;
  /** Whether a holder may be found dead by the table's own time. */
  readonly serviceClock: boolean;
}

export type NamedBounds = Bounds & { readonly name: string };

const NETWORK_FAULTS = { crashes: 1, lostAnswers: 1, lateRequests: 1, sentTwice: 1 };
const NO_FAULTS = { crashes: 0, lostAnswers: 0, lateRequests: 0, sentTwice: 0 };
const NOTHING_ELSE = {
  ...{ evictions: 0, deletions: 0, clockFaults: 0, lyingHeaders: 0, fencedWrites: 0 },
  ...{ wills: false, lostWills: 0, endedPipes: 0 },
  serviceClock: false,
};
/** Two tenures: whatever one leader can do to the next. */
const TWO_TENURES = { founded: true, tenures: 2, marginTicks: 1 };
const FROM_NOTHING = { founded: false, tenures: 2, marginTicks: 1 };

const EVERY_FAULT = { ...NETWORK_FAULTS, ...NOTHING_ELSE, evictions: 1, clockFaults: 1, fencedWrites: 1 };
const SERVICE_CLOCK = { ...EVERY_FAULT, lyingHeaders: 1, serviceClock: true };
const LIES = { ...NO_FAULTS, ...NOTHING_ELSE, lyingHeaders: 1, serviceClock: true };
const DELETIONS = { ...NETWORK_FAULTS, ...NOTHING_ELSE, deletions: 1 };
/** A row that was deleted, and made again by a copy of the request that had made it. */
const MADE_AGAIN = { ...NO_FAULTS, ...NOTHING_ELSE, sentTwice: 1, deletions: 1 };
const LOST_AND_LATE = { ...NO_FAULTS, ...NOTHING_ELSE, lostAnswers: 1, lateRequests: 1 };
/** A will that is lost, or executed twice; and what the dead had sent, or given up, that lands after it. */
const WILLS = { ...NETWORK_FAULTS, ...NOTHING_ELSE, wills: true, lostWills: 1, endedPipes: 1 };
const CRASH_AND_LOST_ANSWER = { ...NO_FAULTS, ...NOTHING_ELSE, crashes: 1, lostAnswers: 1 };

/** A few seconds each: for tests, and for looking whether a fault in the rules is found. */
export const SMALL: readonly NamedBounds[] = [
  { name: "faults", candidates: 2, ...TWO_TENURES, leaseTicks: 3, faults: 1, ...EVERY_FAULT },
  { name: "deleted rows", candidates: 2, ...FROM_NOTHING, leaseTicks: 2, faults: 1, ...DELETIONS },
  { name: "made again", candidates: 2, ...FROM_NOTHING, leaseTicks: 2, faults: 2, ...MADE_AGAIN },
  { name: "service clock", candidates: 2, ...TWO_TENURES, leaseTicks: 3, faults: 1, ...LIES },
  { name: "lost and late", candidates: 2, ...TWO_TENURES, leaseTicks: 3, faults: 2, ...LOST_AND_LATE },
  { name: "last will", candidates: 2, ...TWO_TENURES, leaseTicks: 2, faults: 2, ...WILLS },
  { name: "delays", candidates: 3, ...TWO_TENURES, leaseTicks: 3, faults: 0, ...NO_FAULTS, ...NOTHING_ELSE },
];

/** What `npm run explore` goes through. */
export const FULL: readonly NamedBounds[] = [
  { name: "last will", candidates: 2, ...TWO_TENURES, leaseTicks: 3, faults: 3, ...WILLS, evictions: 1 },
  { name: "two faults", candidates: 2, ...TWO_TENURES, leaseTicks: 3, faults: 2, ...EVERY_FAULT },
  { name: "service clock", candidates: 2, ...TWO_TENURES, leaseTicks: 3, faults: 1, ...SERVICE_CLOCK },
  { name: "deleted rows", candidates: 2, ...FROM_NOTHING, leaseTicks: 3, faults: 1, ...DELETIONS },
  { name: "made again", candidates: 2, ...FROM_NOTHING, leaseTicks: 3, faults: 2, ...MADE_AGAIN },
  {
    name: "one fault",
    candidates: 3,
    ...TWO_TENURES,
    leaseTicks: 3,
    faults: 1,
    ...NETWORK_FAULTS,
    ...NOTHING_ELSE,
  },
  {
    name: "crash and lost answer",
    candidates: 3,
    ...TWO_TENURES,
    leaseTicks: 3,
    faults: 2,
    ...CRASH_AND_LOST_ANSWER,
  },
];
