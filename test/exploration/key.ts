import type { Instant } from "../../src/clock.js";
import { holderOf, type Lease } from "../../src/protocol/lease.js";
import type { Observation } from "../../src/protocol/observation.js";
import { nextMoveOf } from "./candidate.js";
import { trustOf } from "./promises.js";
import { endReasonOf, expiresAtOf } from "./row.js";
import {
  type Candidate,
  FAULTS,
  type Model,
  type Request,
  type State,
  TICK_MS,
  type Waiting,
} from "./state.js";
import { isRefused } from "./table.js";

/**
 * What makes two states one: all that any rule will ever ask, and nothing else. Moments become ages, capped
 * where no rule tells them apart any more; revisions become ranks; candidates, which are all alike, an order.
 */

const PHASES = ["campaigning", "leading", "resigning", "crashed"];
const VERBS = ["read", "readHistory", "createPlaceholder", "acquire", "renew", "resign", "write", "crash"];
const CLOCK_FAULTS = [
  ...["slow", "fast", "monotonic stands still", "wall stands still"],
  ...["wall is stepped forth", "wall is stepped back"],
];

/** Stand where a number that is never as high would stand. */
const FREE = 200;
const MINE = 201;

/** Written anew for each state. */
const out: number[] = [];
const revisions: number[] = [];
let model: Model;
let state: State;
/** As a lease is observed, and as a write is trusted: older is the same. */
let longestSeen = 0;
let longestTrusted = 0;
/** By candidate: its place among all. */
let places: number[] = [];

export function keyOf(by: Model, of: State): string {
  begin(by, of);
  for (const candidate of of.candidates) collectRevisions(candidate);
  for (const { request } of of.strays) collectFromRequest(request);
  revisions.sort((a, b) => a - b);
  const order = of.candidates.map((_, index) => index);
  const signs = of.candidates.map(signature);
  order.sort((a, b) => (signs[a] as number) - (signs[b] as number));
  places = [];
  for (let place = 0; place < order.length; place++) places[order[place] as number] = place + 1;

  putLease(of.table.row, undefined);
  out.push(of.table.lastTerm, of.table.tenures);
  for (const index of order) putCandidate(of.candidates[index] as Candidate);
  let spent = of.left.fencedWrites;
  for (const fault of FAULTS) spent = spent * 2 + of.left[fault];
  out.push(of.left.faults, spent >> 7, spent & 127);
  const fault = of.clockFault;
  if (fault === undefined || fault.ticks === 0) out.push(0);
  else out.push(places[fault.of] as number, CLOCK_FAULTS.indexOf(fault.kind) * 4 + fault.ticks);
  if (by.bounds.serviceClock) out.push(of.liar === undefined ? 0 : (places[of.liar] as number));
  const written = String.fromCharCode(...out);
  return of.strays.length === 0 ? written : written + strays(of);
}

/** What one candidate's future hangs on when all others are gone. */
export function soloKeyOf(by: Model, of: State, index: number): string {
  begin(by, of);
  const candidate = of.candidates[index] as Candidate;
  collectRevisions(candidate);
  revisions.sort((a, b) => a - b);
  places = of.candidates.map((_, other) => (other === index ? 1 : 2));
  putLease(of.table.row, undefined);
  out.push(of.table.lastTerm);
  putCandidate(candidate);
  return String.fromCharCode(...out);
}

function begin(by: Model, of: State): void {
  model = by;
  state = of;
  longestSeen = by.bounds.leaseTicks;
  longestTrusted = trustOf(by) / TICK_MS;
  out.length = 0;
  revisions.length = 0;
  collectFromLease(of.table.row);
}

/** Alike candidates may get either order: then two states that could be one stay two, and nothing is missed. */
function signature(candidate: Candidate, index: number): number {
  const { phase, observation, tenure, waiting, unsure, clock, id } = candidate;
  let sign = PHASES.indexOf(phase);
  sign = sign * 2 + (holderOf(state.table.row) === id ? 1 : 0);
  sign = sign * 2 + (state.clockFault?.of === index ? 1 : 0);
  sign = sign * 2 + (state.liar === index ? 1 : 0);
  sign = sign * 2 + (unsure ? 1 : 0);
  sign = sign * 8 + (tenure ? tenure.term : 0);
  sign = sign * 16 + (tenure ? trustedFor(tenure.confirmed.monotonicMs, clock.monotonicMs) : 0);
  sign =
    sign * 16 +
    (observation ? 1 + Math.min((clock.monotonicMs - observation.firstSeenMs) / TICK_MS, longestSeen) : 0);
  sign = sign * 16 + (observation?.lease ? 1 + observation.lease.term : 0);
  sign = sign * 32 + (observation?.lease ? rankOf(observation.lease.revision) : 0);
  sign = sign * 2 + (holderOf(observation?.lease) === id ? 1 : 0);
  sign = sign * 8 + (waiting ? 1 + VERBS.indexOf(waiting.request.verb) : 0);
  sign = sign * 16 + (waiting ? trustedFor(waiting.sent.monotonicMs, clock.monotonicMs) : 0);
  sign = sign * 2 + (waiting?.answer ? 1 : 0);
  return sign * 32 + (waiting?.answer?.lease ? rankOf(waiting.answer.lease.revision) : 0);
}

function putCandidate(candidate: Candidate): void {
  const { phase, observation, tenure, waiting, clock } = candidate;
  out.push(PHASES.indexOf(phase) * 2 + (candidate.unsure ? 1 : 0));
  if (model.bounds.wills) putWills(candidate.wills);
  if (phase === "crashed") return;
  if (model.bounds.serviceClock) out.push((clock.wallMs - state.nowMs) / TICK_MS + 20);
  if (observation === undefined) out.push(0);
  else putObservation(observation, candidate);
  if (tenure) {
    out.push(tenure.term);
    putAge(tenure.confirmed, clock);
  }
  if (waiting === undefined) out.push(0);
  else putWaiting(waiting, candidate);
}

/**
 * Whoever may take the lease by observation may do so ever after: then only what the acquire would claim to have seen
 * counts. By the service clock it may not any more once its wall clock was stepped back.
 */
function putObservation(observation: Observation, candidate: Candidate): void {
  const { lease, firstSeenMs, history, unconfirmed } = observation;
  const move = nextMoveOf(model, candidate, undefined);
  if (lease && move.kind === "acquire") {
    out.push(FREE, lease.term, rankOf(lease.revision), move.basis.founding ? move.term : 0);
    return;
  }
  const seen = Math.min((candidate.clock.monotonicMs - firstSeenMs) / TICK_MS, longestSeen);
  out.push(1 + seen, history ? 2 + 2 * history.highestTerm + (unconfirmed ? 1 : 0) : 0);
  putLease(lease, undefined);
}

function putWaiting({ request, sent, landed, answer }: Waiting, candidate: Candidate): void {
  const { clock, id } = candidate;
  // What is refused now is refused ever after, since pairs never repeat.
  const isLost = !landed && (answer !== undefined || isRefused(model, state.table, request));
  out.push(1 + VERBS.indexOf(request.verb), (answer ? 1 : 0) + (landed ? 2 : 0) + (isLost ? 4 : 0));
  if (!isLost && (request.verb === "acquire" || request.verb === "renew")) putAge(sent, clock);
  if (answer === undefined) {
    if (!isLost) putRequest(request);
    return;
  }
  if (request.verb === "renew") out.push(rankOf(request.body.revision));
  if (request.verb === "read") out.push(request.consistent ? 1 : 0);
  out.push((answer.done ? 1 : 0) + (answer.history ? 2 + 2 * answer.history.highestTerm : 0));
  const { lease } = answer;
  if (lease?.kind === "held" && lease.holder === id)
    out.push(MINE, lease.term, rankOf(lease.revision), isOfWaitedFor(lease) ? 1 : 0);
  else putLease(lease, id);
}

function putWills(wills: Candidate["wills"]): void {
  out.push(wills ? 1 + wills.length : 0);
  for (const { term, basis } of wills ?? [])
    out.push(term, basis ? 1 + basis.term : 0, rankOf(basis?.revision ?? -1));
}

function putRequest(request: Request): void {
  switch (request.verb) {
    case "createPlaceholder":
      out.push(rankOf(request.body.revision));
      return;
    case "acquire": {
      const { basis, term, expiresAt } = request.body;
      out.push(basis.term, rankOf(basis.revision), basis.founding ? term : 0);
      putServiceTime(expiresAt);
      return;
    }
    case "renew":
      out.push(request.body.term, rankOf(request.body.revision));
      putServiceTime(request.body.expiresAt);
      return;
    case "resign":
      out.push(request.body.term, rankOf(request.body.revision));
      return;
    case "crash":
    case "write":
      out.push(request.body.term);
  }
}

/** Which try took the lease matters only to a candidate that waits for that very try. */
function putLease(lease: Lease | undefined, reader: string | undefined): void {
  if (lease === undefined) {
    out.push(0);
    return;
  }
  const { term, revision } = lease;
  const holder = holderOf(lease);
  const endReason = endReasonOf(lease);
  const index = holder === undefined ? -1 : "abc".indexOf(holder);
  const end = endReason === undefined ? 0 : endReason === "evicted" ? 1 : 2;
  out.push(1 + term, rankOf(revision), (index < 0 ? 0 : (places[index] as number)) * 4 + end);
  putServiceTime(expiresAtOf(lease));
  if (reader === undefined) out.push(isOfWaitedFor(lease) ? 1 : 0);
}

function isOfWaitedFor(lease: Lease): boolean {
  if (lease.kind !== "held" || lease.attemptId === undefined) return false;
  const { holder, attemptId } = lease;
  const request = state.candidates["abc".indexOf(holder)]?.waiting?.request;
  return request?.verb === "acquire" && request.body.attemptId === attemptId;
}

function strays(of: State): string {
  const awaited = of.strays.filter(({ request }) => !isRefused(model, of.table, request));
  const written = awaited.map(({ from, request }) => {
    out.length = 0;
    const isWaitedFor = of.candidates[from]?.waiting?.request === request;
    out.push(1 + VERBS.indexOf(request.verb), (places[from] as number) * 2 + (isWaitedFor ? 1 : 0));
    putRequest(request);
    return String.fromCharCode(...out);
  });
  return written.sort().join("");
}

function putAge(of: Instant, clock: Instant): void {
  out.push(trustedFor(of.monotonicMs, clock.monotonicMs) * 16 + trustedFor(of.wallMs, clock.wallMs));
}

function trustedFor(ofMs: number, nowMs: number): number {
  return Math.min(Math.max((nowMs - ofMs) / TICK_MS, 0), longestTrusted);
}

/** All that is past is the same. */
function putServiceTime(atMs: number | undefined): void {
  out.push(atMs === undefined ? 0 : Math.max((atMs - state.nowMs) / TICK_MS, -2) + 3);
}

function collectRevisions({ observation, waiting, wills }: Candidate): void {
  collectFromLease(observation?.lease);
  for (const { basis } of wills ?? []) if (basis) collect(basis.revision);
  if (waiting === undefined) return;
  collectFromLease(waiting.answer?.lease);
  collectFromRequest(waiting.request);
}

function collectFromRequest(request: Request): void {
  if (request.verb === "acquire") collect(request.body.basis.revision);
  else if (request.verb === "renew" || request.verb === "resign" || request.verb === "createPlaceholder") {
    collect(request.body.revision);
  }
}

function collectFromLease(lease: Lease | undefined): void {
  if (lease) collect(lease.revision);
}

function collect(revision: number): void {
  if (!revisions.includes(revision)) revisions.push(revision);
}

/** Each try has a higher revision than any before it, so how much higher makes no difference. */
function rankOf(revision: number): number {
  return revisions.indexOf(revision) + 1;
}
