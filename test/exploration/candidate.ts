import type { Instant } from "../../src/clock.js";
import { holderOf, isHeldIn, type Lease } from "../../src/protocol/lease.js";
import type { Candidacy, Move } from "../../src/protocol/move.js";
import type { Observation } from "../../src/protocol/observation.js";
import type { ServiceClock } from "../../src/protocol/service-clock.js";
import type { AcquireRequest } from "../../src/protocol/verbs.js";
import { type Broken, trustOf } from "./promises.js";
import { endReasonOf, expiresAtOf } from "./row.js";
import {
  type Candidate,
  type Model,
  type Request,
  type State,
  TICK_MS,
  type Will,
  withCandidate,
} from "./state.js";
import { land } from "./table.js";

/**
 * A candidate's part: what campaign.ts, lease-client.ts and tenure.ts do around the rules, in the fewest lines. Each
 * candidate waits for one answer at a time, as they do.
 */

export interface Step {
  readonly state: State;
  readonly broken?: Broken | undefined;
}

/** A look may come at any moment, so when it would be due is not part of what is known. */
const ALWAYS_DUE = { afterMs: 0, byMs: 0, missed: 0, polledAtMs: 0 };

/** A line decides who goes first, and safety rests on none. Made once each: a search asks a million times. */
const CANDIDACIES = new Map([..."abc"].map((id) => [id, candidacyOf(id)]));

function candidacyOf(candidateId: string): Candidacy {
  const noLine = {
    jitterMs: 0,
    eligible: true,
    group: undefined,
    renewIntervalMs: TICK_MS,
    slotMs: 0,
    handoffPollMs: TICK_MS,
  };
  return { candidateId, useServiceClock: true, standbyPollMs: undefined, ...noLine };
}

/**
 * Sends what the rules say is next. Undefined: nothing, or nothing that could change anything. `lieMs`: by how much its
 * last header was wrong.
 */
export function campaign(
  model: Model,
  state: State,
  index: number,
  tenures: number,
  lieMs = 0,
): State | undefined {
  const me = state.candidates[index] as Candidate;
  const { observation, clock } = me;
  const service = serviceClock(model, state.nowMs + lieMs, clock);
  const move = me.unsure ? ({ kind: "read", consistent: true } as const) : nextMoveOf(model, me, service);
  switch (move.kind) {
    case "wait":
      return undefined;
    case "read":
      if (
        !me.unsure &&
        !observation?.unconfirmed &&
        observation &&
        looksTheSame(state.table.row, observation.lease)
      ) {
        return undefined;
      }
      return ask(model, state, index, { verb: "read", consistent: move.consistent });
    case "readHistory":
      return ask(model, state, index, { verb: "readHistory" });
    case "createPlaceholder": {
      // New, as if drawn at random.
      const revision = 1_000 + state.serial;
      const body = { ...named(model), revision };
      return send({ ...state, serial: state.serial + 1 }, index, { verb: "createPlaceholder", body });
    }
    case "acquire": {
      if (state.table.tenures >= tenures) return undefined;
      const body = {
        ...named(model),
        ...stamped(model, service, clock),
        candidateId: me.id,
        attemptId: String(state.serial),
        basis: move.basis,
        term: move.term,
        value: undefined,
      };
      const wills = me.wills && model.rules.willsBeforeAcquire(me.wills, willFor(body));
      const willing = withCandidate({ ...state, serial: state.serial + 1 }, index, { wills });
      return send(willing, index, { verb: "acquire", body });
    }
  }
}

export function nextMoveOf({ rules }: Model, me: Candidate, service: ServiceClock | undefined): Move {
  const { id, observation, clock } = me;
  return rules.nextMove(observation, CANDIDACIES.get(id) ?? candidacyOf(id), clock, service);
}

function looksTheSame(row: Lease | undefined, known: Lease | undefined): boolean {
  return (
    row?.term === known?.term &&
    row?.revision === known?.revision &&
    holderOf(row) === holderOf(known) &&
    endReasonOf(row) === endReasonOf(known) &&
    expiresAtOf(row) === expiresAtOf(known)
  );
}

function willFor({ term, basis }: AcquireRequest): Will {
  return { term, basis: { term: basis.term, revision: basis.revision } };
}

/** Each try has a revision of its own. */
export function renew(model: Model, state: State, index: number, lieMs = 0): State {
  const { id: candidateId, tenure, clock } = state.candidates[index] as Candidate;
  if (tenure === undefined) throw new Error("only a leader renews");
  const revision = tenure.tried + 1;
  const times = stamped(model, serviceClock(model, state.nowMs + lieMs, clock), clock);
  const body = { ...named(model), ...times, candidateId, term: tenure.term, revision, value: undefined };
  const trying = withCandidate(state, index, { tenure: { ...tenure, tried: revision } });
  return send(trying, index, { verb: "renew", body });
}

export function resign(model: Model, state: State, index: number): State {
  const { id: candidateId, tenure } = state.candidates[index] as Candidate;
  if (tenure === undefined) throw new Error("only a leader resigns");
  const revision = tenure.tried + 1;
  const what = { reason: "resigned", at: undefined } as const;
  const body = { ...named(model), ...what, candidateId, term: tenure.term, revision };
  const change = { phase: "resigning", tenure: { ...tenure, tried: revision } } as const;
  return send(withCandidate(state, index, change), index, { verb: "resign", body });
}

function send(state: State, index: number, request: Request): State {
  const { clock } = state.candidates[index] as Candidate;
  const waiting = { request, sent: clock, landed: false, answer: undefined };
  return withCandidate(state, index, { waiting });
}

export function look(model: Model, state: State, index: number): State {
  return ask(model, state, index, { verb: "read", consistent: false });
}

/** A read changes nothing, so only when it lands and when its answer comes make a difference. */
function ask(model: Model, state: State, index: number, request: Request): State {
  const { clock } = state.candidates[index] as Candidate;
  const { answer } = land(model, state.table, request);
  return withCandidate(state, index, { waiting: { request, sent: clock, landed: true, answer } });
}

/** The answer has come. */
export function receive(model: Model, state: State, index: number): Step {
  const { rules } = model;
  const me = state.candidates[index] as Candidate;
  const { waiting, clock, id: candidateId, tenure } = me;
  if (waiting?.answer === undefined) throw new Error("there is no answer to receive");
  const { request, sent, answer, landed } = waiting;
  const { lease, done } = answer;
  const seenMs = rules.seenFrom(sent, clock).monotonicMs;
  const observe = (authoritative: boolean) =>
    kept(rules.observe(me.observation, lease, seenMs, authoritative));
  const isStale = request.verb === "read" && !request.consistent;
  const wills = me.wills && lease && !isStale ? rules.willsAfter(me.wills, lease, candidateId) : me.wills;
  const after = (change: Partial<Candidate>, broken?: Broken): Step => ({
    state: withCandidate(state, index, { waiting: undefined, wills, ...change }),
    broken,
  });
  switch (request.verb) {
    case "read":
      return after({
        observation: observe(request.consistent),
        unsure: me.unsure && !request.consistent,
      });
    case "readHistory": {
      const { observation } = me;
      if (observation === undefined || answer.history === undefined) return after({});
      return after({ observation: kept(rules.observeHistory(observation, answer.history, START)) });
    }
    case "createPlaceholder":
      return after({ observation: observe(true) });
    case "acquire": {
      const observation = observe(true);
      const believed = done || rules.acquireSucceeded(lease, request.body);
      if (!believed || !lease) return after({ observation: lease && observation });
      if (!landed) return after({}, unjustified(candidateId, `term ${lease.term}`));
      if (rules.longestElapsedMs(sent, clock) >= trustOf(model)) return after({ observation });
      const confirmed = rules.trustedFrom(sent, clock);
      const begun = { term: lease.term, confirmed, tried: lease.revision };
      return after({ observation, phase: "leading", tenure: begun });
    }
    case "renew": {
      if (tenure === undefined) throw new Error("a renewal outlived its tenure");
      const observation = lease ? observe(true) : me.observation;
      const mine = { candidateId, term: tenure.term };
      if (done || rules.renewSucceeded(lease, mine, request.body.revision)) {
        if (!landed) return after({}, unjustified(candidateId, `its renewal of term ${tenure.term}`));
        return after({ observation, tenure: { ...tenure, confirmed: rules.trustedFrom(sent, clock) } });
      }
      const untrue = isHeldIn(lease, mine);
      return after({ ...OVER, observation }, untrue ? untrueLoss(candidateId, tenure.term) : undefined);
    }
    case "resign": {
      if (tenure === undefined) throw new Error("a release outlived its tenure");
      const observation = lease ? observe(true) : me.observation;
      const released = done || rules.resignSucceeded(lease, { candidateId, term: tenure.term }, undefined);
      const untrue = !released && landed && lease?.term === tenure.term;
      return after({ ...OVER, observation }, untrue ? untrueLoss(candidateId, tenure.term) : undefined);
    }
    case "crash":
    case "write":
      throw new Error(`nobody waits for a ${request.verb}`);
  }
}

/** Histories do not age here. */
const START = { monotonicMs: 0, wallMs: 0 };

/** A tenure that is over: the next campaign goes on from what was seen. */
export const OVER = { phase: "campaigning", tenure: undefined, waiting: undefined } as const;

function unjustified(id: string, what: string): Broken {
  return {
    promise: "justified belief",
    message: `${id} believes that it wrote ${what}, but the write never landed`,
  };
}

function untrueLoss(id: string, term: number): Broken {
  return {
    promise: "true loss",
    message: `${id} hears that it lost term ${term}, but the row was still its own`,
  };
}

/** What is not asked again is not kept, so that states which differ only there are one. */
function kept({
  lease,
  firstSeenMs,
  history,
  unconfirmed,
  needsConsistentRead,
  memory,
}: Observation): Observation {
  return {
    lease: lease && lease.kind !== "placeholder" ? { ...lease, attemptId: undefined } : lease,
    firstSeenMs,
    polledMs: 0,
    schedule: ALWAYS_DUE,
    history,
    unconfirmed: unconfirmed === true,
    needsConsistentRead: needsConsistentRead === true,
    memory,
  };
}

/** The lease says how long it lasts and when it is renewed; all candidates have the same options. */
function named({ bounds }: Model) {
  return { election: "e", leaseDurationMs: bounds.leaseTicks * TICK_MS, renewIntervalMs: TICK_MS };
}

function stamped({ bounds }: Model, service: ServiceClock | undefined, sent: Instant) {
  const leaseMs = bounds.leaseTicks * TICK_MS;
  const isTold = service && service.disagreementMs(sent) <= leaseMs;
  return { expiresAt: isTold ? Math.ceil(service.latestMs(sent)) + leaseMs : undefined, at: undefined };
}

/** As if an answer of the table had come just now, with this header. */
function serviceClock({ rules, bounds }: Model, dateMs: number, now: Instant): ServiceClock | undefined {
  if (!bounds.serviceClock) return undefined;
  return rules.serviceClockOf(rules.boundsOf({ dateMs, sent: now, received: now }, 0), 0);
}
