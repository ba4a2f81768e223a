import { campaign, look, receive, resign } from "./candidate.js";
import { soloKeyOf } from "./key.js";
import type { Broken } from "./promises.js";
import { endReasonOf } from "./row.js";
import type { Candidate, Model, State } from "./state.js";
import { landWaiting } from "./steps.js";
import { ticks } from "./time.js";

/** Liveness: whoever is left alone, with a network that works, leads within one lease, or two. */
export class Survivors {
  /** What hangs on nobody else comes up again and again. */
  readonly #known = new Set<string>();

  constructor(private readonly model: Model) {}

  /** Asked of every candidate, as if all others had crashed just now. */
  broken(state: State): Broken | undefined {
    for (let index = 0; index < state.candidates.length; index++) {
      if (state.candidates[index]?.phase === "crashed") continue;
      const key = soloKeyOf(this.model, state, index);
      if (this.#known.has(key)) continue;
      this.#known.add(key);
      const stuck = this.#alone(state, index);
      if (stuck) return stuck;
    }
    return undefined;
  }

  #alone(state: State, index: number): Broken | undefined {
    const { leaseTicks, deletions, sentTwice, faults } = this.model.bounds;
    // What a last will has given back is free at once. Whoever watches a row that was deleted learns of its placeholder with its next look; and whose placeholder was
    // deleted and made again learns with its first acquire, one lease later, that its history is too old.
    const leases =
      endReasonOf(state.table.row) === "crashed" ? 0 : deletions > 0 && sentTwice > 0 && faults > 1 ? 2 : 1;
    const ticksAtMost = leases * leaseTicks + (deletions > 0 ? 1 : 0);
    const left = { ...state.left };
    for (const kind of Object.keys(left) as Array<keyof typeof left>) left[kind] = 0;
    const candidates = state.candidates.map(
      (candidate, other): Candidate =>
        other === index
          ? candidate
          : { ...candidate, phase: "crashed", tenure: undefined, waiting: undefined, wills: undefined },
    );
    let alone: State = { ...state, left, candidates, strays: [], clockFault: undefined };
    for (let tick = 0; tick <= ticksAtMost; tick++) {
      const leading = this.#untilItWaits(alone, index);
      if (leading === undefined) return undefined;
      ticks(this.model, leading, (next) => {
        alone = next;
      });
    }
    const { id } = state.candidates[index] as Candidate;
    return {
      promise: "liveness",
      message: `${id}, the only one left, does not lead after ${ticksAtMost} ticks`,
    };
  }

  /** All that it does at this moment. Undefined: it leads. */
  #untilItWaits(from: State, index: number): State | undefined {
    let state = from;
    for (let steps = 0; steps < 30; steps++) {
      const candidate = state.candidates[index] as Candidate;
      if (candidate.phase === "leading") return undefined;
      // Another promise is broken on the way: the search comes there, and tells it.
      if (candidate.waiting?.answer && receive(this.model, state, index).broken) return undefined;
      const next = this.#act(state, candidate, index);
      // It waits, and looks meanwhile: that must not make it wait longer.
      if (next === undefined) return receive(this.model, look(this.model, state, index), index).state;
      state = next;
    }
    return state;
  }

  #act(state: State, { waiting, phase }: Candidate, index: number): State | undefined {
    if (waiting?.answer) return receive(this.model, state, index).state;
    if (waiting) return landWaiting(this.model, state, index, waiting).next;
    if (phase === "resigning") return resign(this.model, state, index);
    return campaign(this.model, state, index, Number.POSITIVE_INFINITY);
  }
}
