import type { Instant } from "../../src/clock.js";
import type { Lease } from "../../src/protocol/lease.js";
import type { History, Observation } from "../../src/protocol/observation.js";
import type {
  AcquireRequest,
  CrashRequest,
  PlaceholderRequest,
  RenewRequest,
  ResignRequest,
} from "../../src/protocol/verbs.js";
import type { Bounds } from "./bounds.js";
import type { Rules } from "./rules.js";

/** One second, since that is what a `Date` header is cut to. */
export const TICK_MS = 1_000;
/** Some time after the origin of all clocks, so that ages can be taken from them. */
const START_MS = 100 * TICK_MS;

/** How far a header lies, and a wall clock is stepped: a living lease looks dead, and one written now ended. */
export function lieMs({ leaseTicks }: Bounds): number {
  return (leaseTicks + 1) * TICK_MS;
}

/** What is explored, and how far. */
export interface Model {
  readonly rules: Rules;
  readonly bounds: Bounds;
}

export type Request =
  | { readonly verb: "read"; readonly consistent: boolean }
  | { readonly verb: "readHistory" }
  | { readonly verb: "createPlaceholder"; readonly body: PlaceholderRequest }
  | { readonly verb: "acquire"; readonly body: AcquireRequest }
  | { readonly verb: "renew"; readonly body: RenewRequest }
  | { readonly verb: "resign"; readonly body: ResignRequest }
  | { readonly verb: "crash"; readonly body: CrashRequest }
  | { readonly verb: "write"; readonly body: { readonly candidateId: string; readonly term: number } };

export interface Answer {
  readonly done: boolean;
  readonly lease: Lease | undefined;
  readonly history: History | undefined;
}

/** A request whose sender waits for the answer. */
export interface Waiting {
  readonly request: Request;
  readonly sent: Instant;
  /** The truth, which the sender does not know: the table did what this try asked for. */
  readonly landed: boolean;
  /** On its way back; undefined while the request is on its way to the table. */
  readonly answer: Answer | undefined;
}

/** A request nobody waits for any more. It lands at any time, or never. */
export interface Stray {
  readonly from: number;
  readonly request: Request;
}

export interface Tenure {
  readonly term: number;
  /** When the last confirmed write left; trust counts from here. */
  readonly confirmed: Instant;
  /** Highest revision of any try. */
  readonly tried: number;
}

/** What ends this term if its process dies. `basis`: what an acquire saw that is to begin the term, until it has. */
export interface Will {
  readonly term: number;
  readonly basis: { readonly term: number; readonly revision: number } | undefined;
}

export interface Candidate {
  readonly id: string;
  readonly phase: "campaigning" | "leading" | "resigning" | "crashed";
  readonly clock: Instant;
  readonly observation: Observation | undefined;
  /** A try to acquire went unanswered: only the row can tell whether it landed. */
  readonly unsure: boolean;
  readonly tenure: Tenure | undefined;
  readonly waiting: Waiting | undefined;
  /** Handed over, and good for something yet. Undefined: nobody will execute any. */
  readonly wills: readonly Will[] | undefined;
}

export interface Table {
  readonly row: Lease | undefined;
  /** The last term that was acquired: what its history tells, even if the row is gone. */
  readonly lastTerm: number;
  /** How many were begun since the exploration did. */
  readonly tenures: number;
}

export type ClockFault =
  | "slow"
  | "fast"
  | "monotonic stands still"
  | "wall stands still"
  | "wall is stepped forth"
  | "wall is stepped back";

export const FAULTS = [
  "crashes",
  "lostAnswers",
  "lateRequests",
  "sentTwice",
  "lostWills",
  "endedPipes",
  "evictions",
  "deletions",
  "clockFaults",
  "lyingHeaders",
] as const;
export type Fault = (typeof FAULTS)[number];
/** How many more of each kind may happen, and of all kinds together. */
export type Left = Readonly<Record<Fault | "faults" | "fencedWrites", number>>;

export interface State {
  readonly nowMs: number;
  readonly table: Table;
  readonly candidates: readonly Candidate[];
  readonly strays: readonly Stray[];
  readonly left: Left;
  /** The one clock fault, once it has begun, and for how many ticks it can go on. */
  readonly clockFault: { readonly of: number; readonly kind: ClockFault; readonly ticks: number } | undefined;
  /** Whose headers may lie from now on. */
  readonly liar: number | undefined;
  /** For numbers that must be new: attempts, placeholders. */
  readonly serial: number;
}

export function initialState({ bounds }: Model): State {
  const clock = { monotonicMs: START_MS, wallMs: START_MS };
  return {
    nowMs: START_MS,
    table: bounds.founded ? vacant(bounds) : { row: undefined, lastTerm: 0, tenures: 0 },
    candidates: Array.from({ length: bounds.candidates }, (_, index) => ({
      id: "abc".charAt(index),
      phase: "campaigning",
      clock,
      observation: undefined,
      unsure: false,
      tenure: undefined,
      waiting: undefined,
      wills: bounds.wills ? [] : undefined,
    })),
    strays: [],
    left: leftOf(bounds),
    clockFault: undefined,
    liar: undefined,
    serial: 0,
  };
}

/** As an earlier leader left it. */
function vacant({ leaseTicks }: Bounds): Table {
  const leaseDurationMs = leaseTicks * TICK_MS;
  const times = { leaseDurationMs, renewIntervalMs: TICK_MS };
  const row: Lease = { kind: "vacant", term: 1, revision: 1, ...times, endReason: "resigned" };
  return { row, lastTerm: 1, tenures: 0 };
}

function leftOf({ faults, fencedWrites, ...bounds }: Bounds): Left {
  const kinds = Object.fromEntries(FAULTS.map((fault) => [fault, faults > 0 ? bounds[fault] : 0]));
  return { ...(kinds as Record<Fault, number>), faults, fencedWrites };
}

/** What is left after a fault; undefined when none of this kind may happen. */
export function spend(left: Left, fault: Fault): Left | undefined {
  if (left[fault] === 0) return undefined;
  const after = { ...left, faults: left.faults - 1, [fault]: left[fault] - 1 };
  if (after.faults === 0) for (const kind of FAULTS) after[kind] = 0;
  return after;
}

export function withCandidate(state: State, index: number, change: Partial<Candidate>): State {
  const candidates = state.candidates.slice();
  candidates[index] = { ...(state.candidates[index] as Candidate), ...change };
  return { ...state, candidates };
}
