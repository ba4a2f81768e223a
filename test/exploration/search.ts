import type { Bounds } from "./bounds.js";
import { keyOf } from "./key.js";
import { type Broken, brokenExclusion } from "./promises.js";
import { REAL_RULES, type Rules } from "./rules.js";
import { initialState, type Model, type State, TICK_MS } from "./state.js";
import { successors } from "./steps.js";
import { Survivors } from "./survivor.js";
import { brokenVacancy } from "./wills.js";

export interface Exploration extends Bounds {
  /** Rules in place of the real ones. */
  readonly rules?: Partial<Rules> | undefined;
}

export interface Limits {
  readonly maxStates?: number | undefined;
  readonly maxSeconds?: number | undefined;
  /** Told now and then. */
  readonly progress?: ((reached: Reached) => void) | undefined;
}

export interface Reached {
  readonly states: number;
  readonly depth: number;
  /** States of this depth that were followed, and how many there are. */
  readonly followed: number;
  readonly waiting: number;
}

export interface Explored {
  readonly candidates: number;
  readonly states: number;
  readonly transitions: number;
  /** Events of the longest of all shortest ways to a state. */
  readonly depth: number;
  /** Whether everything within the bounds was seen. */
  readonly complete: boolean;
  /** At most one: the search ends there. Breadth comes first, so no story is shorter. */
  readonly violations: ReadonlyArray<{
    readonly promise: string;
    readonly message: string;
    readonly trace: readonly string[];
  }>;
}

/** How each state was first reached, in the order in which they were found. */
class Origins {
  #parents = new Int32Array(1 << 16);
  #steps = new Uint8Array(1 << 16);
  #count = 0;

  add(parent: number, step: number): number {
    if (this.#count === this.#parents.length) {
      const parents = new Int32Array(this.#count * 2);
      const steps = new Uint8Array(this.#count * 2);
      parents.set(this.#parents);
      steps.set(this.#steps);
      this.#parents = parents;
      this.#steps = steps;
    }
    this.#parents[this.#count] = parent;
    this.#steps[this.#count] = step;
    return this.#count++;
  }

  /** Which step to take at each state, from the first one on. */
  way(to: number): number[] {
    const steps: number[] = [];
    for (let id = to; id > 0; id = this.#parents[id] as number) steps.push(this.#steps[id] as number);
    return steps.reverse();
  }
}

/** Every state that can be reached within the bounds, breadth first, until a promise is broken. */
export function explore({ maxStates, maxSeconds, progress, ...exploration }: Exploration & Limits): Explored {
  const limitMs = performance.now() + (maxSeconds ?? Number.POSITIVE_INFINITY) * 1_000;
  const exploring = search(exploration);
  for (let isEnough = false; ; ) {
    const { done, value } = exploring.next(isEnough);
    if (done) return value;
    progress?.(value);
    isEnough = value.states > (maxStates ?? Number.POSITIVE_INFINITY) || performance.now() > limitMs;
  }
}

/** The same, step by step: tells now and then how far it is, and gives up if it is told that this is enough. */
export function* search({ rules, ...bounds }: Exploration): Generator<Reached, Explored, boolean> {
  const model: Model = { rules: { ...REAL_RULES, ...rules }, bounds };
  const survivors = new Survivors(model);
  const first = initialState(model);
  const visited = new Set([keyOf(model, first)]);
  const origins = new Origins();
  let level: State[] = [first];
  /** Number of the first state of this level. */
  let base = origins.add(0, 0);
  let transitions = 0;
  let depth = 0;
  const result = (complete: boolean, violations: Explored["violations"] = []): Explored => ({
    candidates: bounds.candidates,
    states: visited.size,
    transitions,
    depth,
    complete,
    violations,
  });

  for (;;) {
    const next: State[] = [];
    for (let at = 0; at < level.length; at++) {
      let step = 0;
      let found: Broken | undefined;
      let foundAt = 0;
      successors(model, level[at] as State, (state, _story, brokenOnTheWay) => {
        const taken = step++;
        if (found) return;
        transitions += 1;
        const key = keyOf(model, state);
        const isNew = !visited.has(key);
        found =
          brokenOnTheWay ??
          (isNew
            ? (brokenExclusion(model, state) ?? brokenVacancy(state) ?? survivors.broken(state))
            : undefined);
        foundAt = taken;
        if (!isNew) return;
        visited.add(key);
        origins.add(base + at, taken);
        next.push(state);
      });
      if (found) {
        const trace = tell(model, [...origins.way(base + at), foundAt]);
        return result(false, [{ ...(found as Broken), trace: [...trace, (found as Broken).message] }]);
      }
      if ((at & 1023) === 0) {
        const reached = { states: visited.size, depth, followed: at, waiting: level.length };
        if (yield reached) return result(false);
      }
    }
    if (next.length === 0) return result(true);
    base += level.length;
    level = next;
    depth += 1;
  }
}

/** Goes the same way once more, and tells it. */
function tell(model: Model, way: readonly number[]): string[] {
  let state = initialState(model);
  return way.map((taken) => {
    let step = 0;
    let line = "";
    let after = state;
    successors(model, state, (next, story) => {
      if (step++ !== taken) return;
      line = `${String((state.nowMs - initialState(model).nowMs) / TICK_MS).padStart(3)}  ${story()}`;
      after = next;
    });
    state = after;
    return line;
  });
}
