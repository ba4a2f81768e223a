import { Election } from "../election.js";
import { TableUnavailableError } from "../errors.js";
import { fits, type Plan, planFor } from "./plan.js";
import { SandboxClock } from "./sandbox-clock.js";
import type { Settings } from "./settings.js";

export interface Candidate {
  readonly election: Election;
  readonly plan: Plan;
  readonly clock: SandboxClock;
}

/**
 * What a sandbox keeps from one invocation to the next: the connection to the table, and what its candidate has seen. So
 * tries that are minutes apart notice a dead holder, even without the table's clock. It never keeps a leadership.
 */
export class Sandbox {
  #idle: Candidate | undefined;
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** A candidate for this invocation alone, until it is given back. */
  async take(remainingMs: number): Promise<Candidate> {
    const plan = planFor(remainingMs, this.#settings);
    const idle = this.#idle;
    this.#idle = undefined;
    if (idle && fits(idle.plan, remainingMs) && (await isAwake(idle))) return idle;
    const clock = new SandboxClock(this.#settings.clock);
    const { leaseDurationMs, stopTimeoutMs } = plan;
    const { candidate } = this.#settings;
    const election = new Election({
      ...candidate,
      leaseDurationMs,
      stopTimeoutMs,
      runtime: { ...candidate.runtime, clock },
    });
    return { election, plan, clock };
  }

  giveBack(candidate: Candidate): void {
    this.#idle = candidate;
  }
}

/** After a freeze the table's time is unknown until the table answers again. */
async function isAwake({ election, clock }: Candidate): Promise<boolean> {
  clock.thaw();
  try {
    await election.leader();
    return true;
  } catch (error) {
    if (error instanceof TableUnavailableError) return false;
    throw error;
  }
}
