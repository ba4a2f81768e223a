import { holderOf } from "../../src/protocol/lease.js";
import type { Broken } from "./promises.js";
import { type Candidate, type Model, type State, spend, type Will, withCandidate } from "./state.js";
import type { Visit } from "./steps.js";
import * as tell from "./story.js";
import { land } from "./table.js";

/**
 * The part of what executes the wills of one candidate. It sends each at any time after the crash, and again while a
 * refusal may not be final.
 */
export function willSteps(model: Model, state: State, index: number, visit: Visit): void {
  const candidate = state.candidates[index] as Candidate;
  const { wills } = candidate;
  if (wills === undefined || wills.length === 0) return;
  const isGone = candidate.phase === "crashed";
  const left = isGone ? state.left : spend(state.left, "endedPipes");
  if (left && model.rules.isDead({ isGone, hasPipeEnded: true })) {
    for (const will of wills) execute(model, { ...state, left }, index, will, visit);
  }
  const lost = isGone && spend(state.left, "lostWills");
  if (lost) {
    const next = { ...withCandidate(state, index, { wills: undefined }), left: lost };
    visit(next, () => `nobody executes the last will of ${candidate.id} any more`);
  }
}

function execute(model: Model, state: State, index: number, will: Will, visit: Visit): void {
  const { id, wills } = state.candidates[index] as Candidate;
  const request = { verb: "crash", body: { election: "e", candidateId: id, term: will.term } } as const;
  const { table, answer, broken } = land(model, state.table, request);
  const isOver = answer.done || model.rules.isRefusalFinal(answer.lease, will);
  if (isOver) {
    const rest = wills?.filter((other) => other !== will);
    const next = { ...withCandidate(state, index, { wills: rest }), table };
    visit(
      next,
      () => tell.lands(id, request, next, state),
      answer.done ? (brokenByWill(state) ?? broken) : undefined,
    );
  }
  const twice = spend(state.left, "sentTwice");
  if (twice) {
    const strays = [...state.strays, { from: index, request }];
    visit(
      { ...state, strays, left: twice },
      () => `a copy of ${tell.requestInWords(request)} from ${id} is on its way`,
    );
  }
}

/** A will lands on this row, and ends what it shows. */
export function brokenByWill({ table: { row }, candidates }: State): Broken | undefined {
  const holder = holderOf(row);
  const living = candidates.find(({ id, phase }) => id === holder && phase !== "crashed");
  if (living === undefined) return undefined;
  return {
    promise: "no will of the living",
    message: `a will ends term ${row?.term} of ${living.id}, which lives`,
  };
}

/** As long as somebody executes the wills of the dead, there is one for whatever is held by them. */
export function brokenVacancy({ table: { row }, candidates }: State): Broken | undefined {
  const holder = holderOf(row);
  const dead = candidates.find(({ id, phase }) => id === holder && phase === "crashed");
  if (dead?.wills === undefined || dead.wills.some(({ term }) => term === row?.term)) return undefined;
  return {
    promise: "vacant after a will",
    message: `${dead.id} is dead and holds term ${row?.term}, for which no will is left`,
  };
}
