/** A promise that a step breaks. */
export class Broken extends Error {}

/** Takes a state that a step leads to, and what the step is. */
export type Next<S> = (after: S, told: string) => void;

export interface Searched {
  readonly states: number;
  /** The shortest history that breaks a promise. */
  readonly broken: readonly string[] | undefined;
}

/** Every state that can be reached from the first one, breadth first, until a step throws `Broken`. */
export function breadthFirst<S>(
  first: S,
  successors: (state: S, next: Next<S>) => void,
  {
    keyOf = JSON.stringify,
    maxStates = 2_000_000,
  }: { keyOf?: (state: S) => string; maxStates?: number } = {},
): Searched {
  const seen = new Map([[keyOf(first), { before: "", told: "begin" }]]);
  const storyOf = (key: string): string[] => {
    const step = seen.get(key);
    return step ? [...storyOf(step.before), step.told] : [];
  };
  for (let level = [first]; level.length > 0; ) {
    const reached: S[] = [];
    for (const state of level) {
      const before = keyOf(state);
      try {
        successors(state, (after, told) => {
          const key = keyOf(after);
          if (seen.has(key)) return;
          seen.set(key, { before, told });
          reached.push(after);
        });
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        return { states: seen.size, broken: [...storyOf(before), error.message] };
      }
    }
    if (seen.size > maxStates) throw new Error(`more than ${maxStates} states`);
    level = reached;
  }
  return { states: seen.size, broken: undefined };
}
