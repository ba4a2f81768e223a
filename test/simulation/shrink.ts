import type { Plan } from "./plan.js";
import type { Run } from "./run.js";
import { simulate } from "./simulate.js";

/** A plan that still breaks the same promise, and from which nothing more could be left out. */
export interface Shrunk {
  readonly plan: Plan;
  readonly trace: readonly string[];
}

/**
 * Leaves out faults, ever smaller bunches of them, then candidates, as long as what is left still breaks the same
 * promise. Each try is a whole run, so the result is a true history; it needs no other.
 */
export async function shrink(plan: Plan, promise: string): Promise<Shrunk> {
  const breaks = async (smaller: Plan): Promise<Run | undefined> => {
    const run = await simulate(smaller);
    return run.violation?.promise === promise ? run : undefined;
  };
  const run = await breaks(plan);
  if (!run) throw new Error(`seed ${plan.seed} does not break "${promise}"`);
  // Nothing after the violation matters, except where it is that nothing happens any more.
  const during = plan.faults.filter(({ atMs }) => atMs <= run.simulatedMs);
  let smallest: Plan = { ...plan, faults: during };
  const dropped = async (faults: Plan["faults"]): Promise<boolean> => {
    const smaller = { ...smallest, faults };
    if (!(await breaks(smaller))) return false;
    smallest = smaller;
    return true;
  };
  for (
    let size = Math.ceil(smallest.faults.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < smallest.faults.length; ) {
      const { faults } = smallest;
      if (!(await dropped([...faults.slice(0, from), ...faults.slice(from + size)]))) from += size;
    }
  }
  for (const machine of plan.candidates) {
    if (smallest.candidates.length <= 2) break;
    const candidates = smallest.candidates.filter((other) => other !== machine);
    const smaller = { ...smallest, candidates };
    if (await breaks(smaller)) smallest = smaller;
  }
  const trace: string[] = [];
  await simulate(smallest, (line) => trace.push(line));
  return { plan: smallest, trace };
}
