import type { Candidate, Model, State } from "./state.js";
import { TICK_MS } from "./state.js";

export interface Broken {
  readonly promise: string;
  readonly message: string;
}

/** How much longer this candidate believes, by its own clocks, that it leads. */
export function trustLeft({ rules, bounds }: Model, { tenure, clock }: Candidate): number {
  if (tenure === undefined) return 0;
  return rules.trustLeftMs(tenure.confirmed, trustOf({ rules, bounds }), clock);
}

/** How long a confirmed write is trusted. */
export function trustOf({ rules, bounds }: Model): number {
  const { leaseTicks, marginTicks } = bounds;
  return rules.trustMs({ leaseDurationMs: leaseTicks * TICK_MS, safetyMarginMs: marginTicks * TICK_MS });
}

/** Exclusion: at any instant at most one candidate's leadership is trusted. A release comes after the work. */
export function brokenExclusion(model: Model, { candidates }: State): Broken | undefined {
  let trusting: Candidate | undefined;
  for (const candidate of candidates) {
    if (candidate.phase !== "leading" || trustLeft(model, candidate) <= 0) continue;
    if (trusting) {
      const message = `${trusting.id} trusts term ${trusting.tenure?.term} while ${candidate.id} trusts term ${candidate.tenure?.term}`;
      return { promise: "exclusion", message };
    }
    trusting = candidate;
  }
  return undefined;
}
