import type { Bounds } from "./bounds.js";
import { OVER } from "./candidate.js";
import { trustLeft } from "./promises.js";
import {
  type Candidate,
  type ClockFault,
  lieMs,
  type Model,
  type State,
  spend,
  TICK_MS,
  withCandidate,
} from "./state.js";
import type { Visit } from "./steps.js";

/** By how many ticks a candidate's clocks go on in one tick of true time, and for how many ticks at most. */
const RATES: Readonly<Record<ClockFault, { monotonic: number; wall: number; ticks: number }>> = {
  slow: { monotonic: 0, wall: 0, ticks: 1 },
  fast: { monotonic: 2, wall: 2, ticks: 1 },
  "monotonic stands still": { monotonic: 0, wall: 1, ticks: 2 },
  "wall stands still": { monotonic: 1, wall: 0, ticks: 2 },
  "wall is stepped forth": { monotonic: 1, wall: 1, ticks: 1 },
  "wall is stepped back": { monotonic: 1, wall: 1, ticks: 1 },
};
const KINDS = Object.keys(RATES) as ClockFault[];

function stepOf(kind: ClockFault | undefined, bounds: Bounds): number {
  if (kind === "wall is stepped forth") return lieMs(bounds);
  return kind === "wall is stepped back" ? -lieMs(bounds) : 0;
}

/** One tick of true time, with right clocks and with each fault that may happen. */
export function ticks(model: Model, state: State, visit: Visit): void {
  expire(model, advance(model, state, undefined), (next) => visit(next, () => "a tick"));
  const { clockFault } = state;
  if (clockFault) {
    if (clockFault.ticks > 0) faulty(model, state, { ...clockFault, ticks: clockFault.ticks - 1 }, visit);
    return;
  }
  const left = spend(state.left, "clockFaults");
  if (left === undefined) return;
  for (let of = 0; of < state.candidates.length; of++) {
    if (state.candidates[of]?.phase === "crashed" || state.liar === of) continue;
    for (const kind of KINDS) {
      // Only the service clock asks what the wall clock shows.
      if (!model.bounds.serviceClock && stepOf(kind, model.bounds) !== 0) continue;
      faulty(model, { ...state, left }, { of, kind, ticks: RATES[kind].ticks - 1 }, visit);
    }
  }
}

function faulty(model: Model, state: State, fault: NonNullable<State["clockFault"]>, visit: Visit): void {
  const { id } = state.candidates[fault.of] as Candidate;
  const { kind } = fault;
  const told = kind === "slow" || kind === "fast" ? `are ${kind}` : `go wrong: ${kind}`;
  expire(model, { ...advance(model, state, fault), clockFault: fault }, (next) =>
    visit(next, () => `a tick, in which the clocks of ${id} ${told}`),
  );
}

function advance({ bounds }: Model, state: State, fault: State["clockFault"]): State {
  const candidates = state.candidates.map((candidate, index) => {
    if (candidate.phase === "crashed") return candidate;
    const by = fault?.of === index ? RATES[fault.kind] : { monotonic: 1, wall: 1 };
    const stepMs = fault?.of === index ? stepOf(fault.kind, bounds) : 0;
    const { monotonicMs, wallMs } = candidate.clock;
    const clock = {
      monotonicMs: monotonicMs + by.monotonic * TICK_MS,
      wallMs: wallMs + by.wall * TICK_MS + stepMs,
    };
    return { ...candidate, clock };
  });
  return { ...state, nowMs: state.nowMs + TICK_MS, candidates };
}

/**
 * Whose trust has ended by now stops to lead, and what it waits for is given up: lost on its way, or late.
 * It may notice later, but as it would do nothing in between, nothing comes of that.
 */
function expire(model: Model, state: State, each: (next: State) => void, from = 0): void {
  for (let index = from; index < state.candidates.length; index++) {
    const candidate = state.candidates[index] as Candidate;
    if (candidate.tenure === undefined || trustLeft(model, candidate) > 0) continue;
    const over = withCandidate(state, index, OVER);
    const { waiting } = candidate;
    const late = waiting && !waiting.answer ? spend(state.left, "lateRequests") : undefined;
    if (waiting && late) {
      const strays = [...state.strays, { from: index, request: waiting.request }];
      expire(model, { ...over, strays, left: late }, each, index + 1);
    }
    expire(model, over, each, index + 1);
    return;
  }
  each(state);
}
