import { endedTerm } from "../../src/protocol/lease.js";
import { acquireSucceeded, resignSucceeded, ticksResetSucceeded } from "../../src/protocol/lost-answers.js";
import {
  isCompleted,
  lastTickOf,
  type TermTicks,
  ticksInHistory,
  verdictOn,
  windowFrom,
  withTick,
} from "../../src/protocol/ticks.js";
import { acquired, resigned, ticksReset } from "../../src/protocol/transitions.js";
import { Broken, breadthFirst, type Next as NextStep, type Searched } from "./breadth.js";
import type { Call, InFlight, Message, TickBounds, TickState } from "./tick-state.js";
import { dead, executed, willOf } from "./tick-wills.js";

/** The rules that a test can replace, to see that the search finds it. */
const REAL = {
  ...{ verdictOn, withTick, ticksInHistory },
  ...{ acquired, resigned, resignSucceeded, ticksReset, ticksResetSucceeded, willOf },
};
export type TickRules = typeof REAL;

type Next = NextStep<TickState>;

/** Every interleaving of calls, late requests, lost answers, resets and deletions. */
export function searchTicks(bounds: TickBounds, rules: Partial<TickRules> = {}): Searched {
  const search = new Search(bounds, { ...REAL, ...rules });
  return breadthFirst(search.initial(), (state, next) => search.successors(state, next), { keyOf });
}

/** Messages have no order. */
function keyOf(state: TickState): string {
  return JSON.stringify({ ...state, inFlight: state.inFlight.map((one) => JSON.stringify(one)).sort() });
}

const ROW = { leaseDurationMs: 1, renewIntervalMs: 1 };
const COMMON = { ...ROW, election: "e", value: undefined, expiresAt: undefined, at: undefined };

class Search {
  constructor(
    private readonly bounds: TickBounds,
    private readonly rules: TickRules,
  ) {}

  initial(): TickState {
    const lease = { ...ROW, kind: "vacant" as const, term: 1, revision: 1, endReason: "resigned" as const };
    const { deletions, faults, deaths, resets } = this.bounds;
    return {
      lease,
      history: [{ term: 1 }],
      calls: [],
      inFlight: [],
      ...{ deletions, faults, deaths, resets: resets.length },
      landedResets: [],
      completed: {},
      epoch: 0,
    };
  }

  successors(state: TickState, next: Next): void {
    if (state.calls.length < this.bounds.calls) this.#call(state, next);
    for (const call of state.calls) {
      if (call.phase === "leading") this.#finish(state, call, next);
      if (call.phase === "dead") this.#execute(state, call, next);
      else if (call.phase !== "over" && state.deaths > 0) next(dead(state, call), `${call.id} dies`);
    }
    state.inFlight.forEach((one, at) => {
      const rest = { ...state, inFlight: state.inFlight.filter((_, other) => other !== at) };
      this.#land(rest, one, next);
    });
    if (state.resets > 0) this.#reset(state, next);
    if (state.deletions > 0) this.#delete(state, next);
  }

  /** Reads the row and, if the tick is to be run, sends an acquire. */
  #call(state: TickState, next: Next): void {
    const { lease } = state;
    for (const tick of this.bounds.ticks) {
      for (const mode of this.bounds.modes) {
        const verdict = this.rules.verdictOn(tick, mode, lease.ticks);
        const id = `c${state.calls.length}`;
        checkVerdict(state, tick, mode, verdict);
        if (verdict.kind !== "open") continue;
        const term = lease.term + 1;
        const call: Call = {
          id,
          tick,
          mode,
          term,
          window: undefined,
          phase: "acquiring",
          resignation: undefined,
        };
        const basis = { term: lease.term, revision: lease.revision };
        const request = { ...COMMON, candidateId: id, attemptId: id, basis, term };
        const told = `${id} wants ${tick} (${mode}) by term ${lease.term}, revision ${lease.revision}`;
        const message: Message = { kind: "acquire", call: id, request };
        next({ ...send(state, message), calls: [...state.calls, call] }, told);
      }
    }
  }

  /** The work has ended. */
  #finish(state: TickState, call: Call, next: Next): void {
    const { id: candidateId, tick, term } = call;
    const ticks = this.rules.withTick(call.window, tick);
    const request = {
      election: "e",
      candidateId,
      term,
      revision: 1_000,
      reason: "resigned" as const,
      at: undefined,
      ticks,
    };
    const resigning = change(state, { ...call, phase: "resigning", resignation: request });
    next(
      send(resigning, { kind: "resign", call: candidateId, request }),
      `${candidateId} resigns with ${tick}`,
    );
  }

  /** Refused now, it is sent again: the acquire of the dead may come. */
  #execute(state: TickState, call: Call, next: Next): void {
    const will = this.rules.willOf(call);
    const lease = executed(state, call, will);
    if (!lease) return;
    if (will === "crash" && call.resignation)
      throw new Broken(`${call.id} had run ${call.tick}, and its last will loses that`);
    const after = { ...state, lease };
    next(will === "crash" ? after : completedBy(after, call.id), `the last will of ${call.id} lands`);
  }

  /** The request lands. Its answer arrives; or it is lost, and the request is sent again; or a copy comes later. */
  #land(state: TickState, { message, isCopy }: InFlight, next: Next): void {
    if (message.kind === "record") {
      const history = merged(state.history, message.record);
      next({ ...state, history }, `history of term ${message.record.term} lands`);
      return;
    }
    const written = this.#written(state, message);
    const told = `${message.kind} ${"call" in message ? `of ${message.call}` : ""} lands: ${written ? "done" : "refused"}`;
    const after = written ?? state;
    if (isCopy) {
      next(after, `a copy: ${told}`);
      return;
    }
    const answered = this.#answered(after, message, written !== undefined);
    next(answered, told);
    if (state.faults === 0) return;
    const faulty = { faults: state.faults - 1 };
    next({ ...send(after, message), ...faulty }, `${told}, but the answer is lost`);
    const copy = { message, isCopy: true };
    next(
      { ...answered, ...faulty, inFlight: [...answered.inFlight, copy] },
      `${told}, and a copy is on its way`,
    );
  }

  /** Undefined: refused. */
  #written(state: TickState, message: Exclude<Message, { kind: "record" }>): TickState | undefined {
    const { lease: row } = state;
    if (message.kind === "acquire") {
      const lease = this.rules.acquired(row, message.request);
      return lease && { ...state, lease };
    }
    if (message.kind === "resign") {
      const lease = this.rules.resigned(row, message.request);
      return lease && completedBy({ ...state, lease }, message.call);
    }
    const lease = this.rules.ticksReset(row, message.request);
    if (!lease) return undefined;
    const { seen, id, to } = message.request;
    if (row.term !== seen.term || row.revision !== seen.revision)
      throw new Broken("a reset undoes what it has not seen");
    return {
      ...state,
      lease,
      landedResets: [...state.landedResets, id],
      completed: to === undefined ? {} : { [to]: "operator" },
      epoch: state.epoch + 1,
    };
  }

  /** The sender reads its answer: a refusal may be a success whose answer was lost. */
  #answered(state: TickState, message: Exclude<Message, { kind: "record" }>, isDone: boolean): TickState {
    const { lease } = state;
    if (message.kind === "reset") {
      const { request } = message;
      if (!isDone && !this.rules.ticksResetSucceeded(lease, request)) return state;
      if (!state.landedResets.includes(request.id))
        throw new Broken(`reset ${request.id} is reported as done, and did not land`);
      const { by, to, seen } = request;
      const tickReset = { by, to, revision: seen.revision + 1 };
      return this.#record(state, { term: endedTerm(seen), tickReset });
    }
    const call = state.calls.find(({ id }) => id === message.call) as Call;
    if (message.kind === "acquire") {
      if (!isDone && !acquireSucceeded(lease, message.request))
        return change(state, { ...call, phase: "over" });
      const verdict = this.rules.verdictOn(call.tick, call.mode, lease.ticks);
      if (verdict.kind !== "open") return change(state, { ...call, phase: "over" });
      const record = {
        term: call.term,
        lastTickBefore: lastTickOf(lease.ticks),
        tickResetTermBefore: lease.tickReset?.term,
      };
      return this.#record(change(state, { ...call, phase: "leading", window: lease.ticks }), record);
    }
    const over = change(state, { ...call, phase: "over" });
    const mine = { candidateId: call.id, term: call.term };
    if (!isDone && !this.rules.resignSucceeded(lease, mine, call.tick)) return over;
    const isTrue = state.completed[call.tick] === call.id || state.epoch > 0;
    if (!isTrue) throw new Broken(`${call.id} reports ${call.tick} as run, but did not complete it`);
    return this.#record(over, { term: call.term, lastTick: call.tick });
  }

  /** Only a deletion makes anybody read it. */
  #record(state: TickState, record: TermTicks): TickState {
    return this.bounds.deletions === 0 ? state : send(state, { kind: "record", record });
  }

  #reset(state: TickState, next: Next): void {
    const { lease, resets } = state;
    if (lease.kind !== "vacant") return;
    const { kind, term, revision, endReason } = lease;
    const to = this.bounds.resets[resets - 1];
    const request = {
      election: "e",
      seen: { kind, term, revision, endReason },
      // Two operators of one name, at the same moment.
      ...{ by: "op", at: 0, id: `reset-${resets}` },
      to,
    };
    next(
      { ...send(state, { kind: "reset", request }), resets: resets - 1 },
      `an operator resets the ticks to ${to}`,
    );
  }

  /** Once the history knows what the row says (rules 5e and 5f). Somebody leads then, and completes nothing. */
  #delete(state: TickState, next: Next): void {
    const { lease } = state;
    const { lastTick, tickResetTerm } = this.rules.ticksInHistory(state.history);
    const highest = Math.max(...state.history.map(({ term }) => term));
    const truth = ticksInHistory(state.history);
    const isKnown =
      truth.lastTick === lastTickOf(lease.ticks) && truth.tickResetTerm === lease.tickReset?.term;
    if (lease.kind !== "vacant" || highest !== lease.term || !isKnown) return;
    const term = highest + 1;
    const ticks = windowFrom(lastTick);
    const tickReset = tickResetTerm === undefined ? undefined : { term: tickResetTerm };
    const founded = {
      ...ROW,
      kind: "vacant" as const,
      term,
      revision: 2,
      endReason: "resigned" as const,
      ticks,
      tickReset,
    };
    const record = { term, lastTickBefore: lastTick, tickResetTermBefore: tickResetTerm };
    const history = merged(state.history, record);
    const deletions = state.deletions - 1;
    checkRow({ ...state, lease: founded });
    next({ ...state, lease: founded, history, deletions }, `the row is deleted, and founded as term ${term}`);
  }
}

function send(state: TickState, message: Message): TickState {
  return { ...state, inFlight: [...state.inFlight, { message, isCopy: false }] };
}

function change(state: TickState, call: Call): TickState {
  return { ...state, calls: state.calls.map((one) => (one.id === call.id ? call : one)) };
}

function merged(history: readonly TermTicks[], record: TermTicks): TermTicks[] {
  const before = history.find(({ term }) => term === record.term);
  const isLate =
    (before?.tickReset?.revision ?? 0) > (record.tickReset?.revision ?? Number.POSITIVE_INFINITY);
  const known = Object.fromEntries(Object.entries(record).filter(([, fact]) => fact !== undefined));
  const others = history.filter(({ term }) => term !== record.term);
  const after = isLate ? before : { ...before, ...known, term: record.term };
  return [...others, after as TermTicks].sort((a, b) => a.term - b.term);
}

function completedBy(state: TickState, id: string): TickState {
  const { tick } = state.calls.find((call) => call.id === id) as Call;
  const before = state.completed[tick];
  if (before !== undefined) throw new Broken(`${tick} is completed by ${before} and by ${id}`);
  const after = { ...state, completed: { ...state.completed, [tick]: id } };
  checkRow(after);
  return after;
}

/** The row knows what has completed since the last reset, as far as its floor, and nothing else. */
function checkRow({ lease: { ticks }, completed }: TickState): void {
  for (const tick of [ticks?.floor, ...(ticks?.completed ?? [])]) {
    if (tick !== undefined && !(tick in completed))
      throw new Broken(`${tick} is recorded, and did not complete`);
  }
  for (const tick of Object.keys(completed)) {
    const isForgotten = ticks?.floor === undefined || Number(tick) >= Number(ticks.floor);
    if (isForgotten && !isCompleted(ticks, tick)) throw new Broken(`${tick} has completed, and is forgotten`);
  }
}

function checkVerdict(
  { completed, lease: { ticks } }: TickState,
  tick: string,
  mode: string,
  verdict: ReturnType<typeof verdictOn>,
): void {
  const isDone = tick in completed;
  if (verdict.kind === "open" && isDone) throw new Broken(`${tick} has completed, and runs again`);
  if (verdict.kind === "done" && !isDone) throw new Broken(`${tick} is called done, and did not complete`);
  if (verdict.kind !== "superseded") return;
  const isBelow = ticks?.floor !== undefined && Number(tick) < Number(ticks.floor);
  const isTrue = verdict.completed === "no" ? !isDone && mode === "latest" : isBelow;
  if (!isTrue) throw new Broken(`${tick} is superseded (${verdict.completed}, ${mode}), which is not true`);
}
