import { simulatePartitions } from "./partitions.js";
import { planOf } from "./plan.js";
import type { Run } from "./run.js";
import { sessionsPlanOf } from "./sessions/plan.js";
import { simulateSessions } from "./sessions/simulation.js";
import { simulate } from "./simulate.js";

export interface History {
  readonly seed: number;
  /** Clocks beyond the assumptions. Only elections have such histories. */
  readonly broken: boolean;
  readonly trace?: (line: string) => void;
}

/** The simulations. Of each, one seed is one history. */
const KINDS = {
  elections: ({ seed, broken, trace }: History): Promise<Run> => simulate(planOf(seed, { broken }), trace),
  partitions: ({ seed, trace }: History): Promise<Run> => simulatePartitions(seed, trace),
  sessions: ({ seed, trace }: History): Promise<Run> => simulateSessions(sessionsPlanOf(seed), trace),
};
export type Kind = keyof typeof KINDS;

export function simulateOne(kind: Kind, history: History): Promise<Run> {
  return KINDS[kind](history);
}
