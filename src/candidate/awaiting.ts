import { TableUnavailableError } from "../errors.js";
import type { LeaseClient } from "../lease-client.js";
import type { Lease } from "../protocol/lease.js";
import { keepsLine } from "../protocol/line.js";
import type { ResolvedOptions } from "../resolve-options.js";
import { inTurn, type Under } from "./under.js";

/**
 * Rule 2m. Tells the leader, once per term, that a candidate waits for its end, so that it announces that end. A line
 * says the same, so it is only told where nobody keeps one.
 */
export class Awaiting {
  #toldTerm: number | undefined;

  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    /** Of the session under which the candidate takes its leases. */
    private readonly pace?: Pick<Under, "paced">,
  ) {}

  /** Returns at once. The campaign does not depend on it. */
  tell(lease: Lease | undefined): void {
    const { order, eligible, candidateId } = this.options;
    if (keepsLine(order) || !eligible || lease?.kind !== "held" || lease.holder === candidateId) return;
    if (lease.isAwaited || lease.term === this.#toldTerm) return;
    this.#toldTerm = lease.term;
    inTurn("look", this.pace, () => this.client.markAwaited(lease.term)).catch((error: unknown) => {
      if (error instanceof TableUnavailableError) this.#toldTerm = undefined;
    });
  }
}
