import { holderOf } from "../../src/protocol/lease.js";
import { campaign, OVER, receive, renew, resign } from "./candidate.js";
import type { Broken } from "./promises.js";
import {
  type Candidate,
  lieMs,
  type Model,
  type Request,
  type State,
  type Stray,
  spend,
  type Waiting,
  withCandidate,
} from "./state.js";
import * as tell from "./story.js";
import { isRefused, land } from "./table.js";
import { ticks } from "./time.js";
import { brokenByWill, willSteps } from "./wills.js";

/** Takes one of the states that can come next, and how it came to be, for whoever wants to know. */
export type Visit = (next: State, story: () => string, broken?: Broken) => void;

/** Every state that can come next, always in the same order. */
export function successors(model: Model, state: State, visit: Visit): void {
  for (let index = 0; index < state.candidates.length; index++) {
    const candidate = state.candidates[index] as Candidate;
    if (model.bounds.wills) willSteps(model, state, index, visit);
    if (candidate.phase === "crashed") continue;
    if (candidate.waiting) requestSteps(model, state, index, candidate.waiting, visit);
    else freeSteps(model, state, index, visit);
    const left = spend(state.left, "crashes");
    if (left) visit(crash(state, index, left), () => tell.crashed(candidate));
    if (candidate.phase === "leading" && candidate.tenure && state.left.fencedWrites > 0) {
      const { id: candidateId, tenure } = candidate;
      const request = { verb: "write", body: { candidateId, term: tenure.term } } as const;
      const sent = { ...state.left, fencedWrites: state.left.fencedWrites - 1 };
      visit({ ...astray(state, index, request), left: sent }, () => tell.sends(candidate, request));
    }
  }
  for (const stray of state.strays) {
    if (!isRefused(model, state.table, stray.request)) strayLands(model, state, stray, visit);
  }
  operatorSteps(model, state, visit);
  ticks(model, state, visit);
}

/** Of a candidate that waits for nothing. */
function freeSteps(model: Model, state: State, index: number, visit: Visit): void {
  const candidate = state.candidates[index] as Candidate;
  if (candidate.phase === "campaigning") {
    const next = campaign(model, state, index, model.bounds.tenures);
    if (next) visit(next, () => tell.sent(next, index));
    const from = liar(state, index);
    if (from) misledCampaign(model, from, index, next, visit);
    return;
  }
  if (candidate.phase === "leading") {
    const renewing = renew(model, state, index);
    visit(renewing, () => tell.sent(renewing, index));
    const from = liar(state, index);
    if (from) {
      const misled = renew(model, from, index, -lieMs(model.bounds));
      visit(misled, () => tell.misled(misled, index, "behind"));
    }
  }
  // A release that went unanswered is tried again, or given up.
  const resigning = resign(model, state, index);
  visit(resigning, () => tell.sent(resigning, index));
  if (candidate.phase === "resigning") {
    visit(withCandidate(state, index, OVER), () => tell.walksAway(candidate));
  }
}

/** Where headers may lie to this candidate: not where its clocks went wrong. */
function liar(state: State, index: number): State | undefined {
  if (state.clockFault?.of === index) return undefined;
  if (state.liar === index) return state;
  const left = state.liar === undefined ? spend(state.left, "lyingHeaders") : undefined;
  return left && { ...state, left, liar: index };
}

/** Only lies that make a difference: ahead, for who would not take the lease yet; behind, for what an acquire writes. */
function misledCampaign(
  model: Model,
  from: State,
  index: number,
  honest: State | undefined,
  visit: Visit,
): void {
  const isFree = honest?.candidates[index]?.waiting?.request.verb === "acquire";
  const byMs = isFree ? -lieMs(model.bounds) : lieMs(model.bounds);
  const misled = campaign(model, from, index, model.bounds.tenures, byMs);
  if (misled?.candidates[index]?.waiting?.request.verb !== "acquire") return;
  visit(misled, () => tell.misled(misled, index, isFree ? "behind" : "ahead"));
}

/** What can become of a request, and of its answer. */
function requestSteps(model: Model, state: State, index: number, waiting: Waiting, visit: Visit): void {
  const candidate = state.candidates[index] as Candidate;
  if (waiting.answer) {
    const { state: next, broken } = receive(model, state, index);
    visit(next, () => tell.receives(candidate, next.candidates[index] as Candidate), broken);
    if (!isWrite(waiting.request)) return;
    const left = spend(state.left, "lostAnswers");
    if (left) visit({ ...giveUp(state, index), left }, () => tell.answerLost(candidate));
    return;
  }
  const { next, broken } = landWaiting(model, state, index, waiting);
  visit(next, () => tell.lands(candidate.id, waiting.request, next, state), broken);
  const lost = spend(state.left, "lostAnswers");
  if (lost) visit({ ...giveUp(state, index), left: lost }, () => tell.requestLost(candidate));
  const late = spend(state.left, "lateRequests");
  if (late) {
    const given = { ...astray(giveUp(state, index), index, waiting.request), left: late };
    visit(given, () => tell.givesUp(candidate));
  }
  const twice = spend(state.left, "sentTwice");
  if (twice) {
    visit({ ...astray(state, index, waiting.request), left: twice }, () => tell.sentTwice(candidate));
  }
}

/** A read that nobody waits for changes nothing, so it need not be followed. */
function isWrite({ verb }: Request): boolean {
  return verb !== "read" && verb !== "readHistory";
}

export function landWaiting(
  model: Model,
  state: State,
  index: number,
  waiting: Waiting,
): { next: State; broken?: Broken | undefined } {
  const { table, answer, broken } = land(model, state.table, waiting.request);
  const landed = waiting.landed || answer.done;
  const next = withCandidate(state, index, { waiting: { ...waiting, landed, answer } });
  return { next: { ...next, table }, broken };
}

function strayLands(model: Model, state: State, stray: Stray, visit: Visit): void {
  const { table, answer, broken } = land(model, state.table, stray.request);
  const strays = state.strays.filter((other) => other !== stray);
  let next: State = { ...state, table, strays };
  const { waiting, id } = state.candidates[stray.from] as Candidate;
  // The SDK's other copy of the try that is waited for.
  if (answer.done && waiting?.request === stray.request) {
    next = withCandidate(next, stray.from, { waiting: { ...waiting, landed: true } });
  }
  const wrong = stray.request.verb === "crash" && answer.done ? brokenByWill(state) : undefined;
  visit(next, () => tell.lands(id, stray.request, next, state), wrong ?? broken);
}

function giveUp(state: State, index: number): State {
  const { waiting, unsure } = state.candidates[index] as Candidate;
  const isAcquire = waiting?.request.verb === "acquire";
  return withCandidate(state, index, { waiting: undefined, unsure: unsure || isAcquire });
}

export function astray(state: State, from: number, request: Request): State {
  return { ...state, strays: [...state.strays, { from, request }] };
}

/** For good. What it had sent is still on its way. */
function crash(state: State, index: number, left: State["left"]): State {
  const { waiting } = state.candidates[index] as Candidate;
  const gone = { phase: "crashed", observation: undefined, unsure: false } as const;
  const next = { ...withCandidate(state, index, { ...OVER, ...gone }), left };
  return waiting && !waiting.answer && isWrite(waiting.request) ? astray(next, index, waiting.request) : next;
}

function operatorSteps({ rules }: Model, state: State, visit: Visit): void {
  const { row } = state.table;
  const evicting = spend(state.left, "evictions");
  const evicted = evicting && row && rules.evicted(row, { election: "e", term: row.term, at: undefined });
  if (evicted) {
    const next = { ...state, left: evicting, table: { ...state.table, row: evicted } };
    visit(next, () => `an operator evicts ${holderOf(row)}: the row is now ${tell.rowInWords(evicted)}`);
  }
  const deleting = spend(state.left, "deletions");
  if (deleting && row) {
    visit(
      { ...state, left: deleting, table: { ...state.table, row: undefined } },
      () => "somebody deletes the row",
    );
  }
}
