import { TableUnavailableError } from "../errors.js";
import type { Lease } from "../protocol/lease.js";
import { keepsLine } from "../protocol/line.js";
import type { Candidacy } from "./candidacy.js";
import { inTurn } from "./under.js";

/**
 * Rule 2m. Tells the leader, once per term, that a candidate waits for its end, so that it announces that end. A line
 * says the same, so it is only told where nobody keeps one.
 */
export class Awaiting {
  #toldTerm: number | undefined;

  constructor(private readonly candidacy: Pick<Candidacy, "client" | "options" | "under">) {}

  /** Returns at once. The campaign does not depend on it. */
  tell(lease: Lease | undefined): void {
    const { client, options, under } = this.candidacy;
    const { order, eligible, candidateId } = options;
    if (keepsLine(order) || !eligible || lease?.kind !== "held" || lease.holder === candidateId) return;
    if (lease.isAwaited || lease.term === this.#toldTerm) return;
    this.#toldTerm = lease.term;
    inTurn("look", under, () => client.markAwaited(lease.term)).catch((error: unknown) => {
      if (error instanceof TableUnavailableError) this.#toldTerm = undefined;
    });
  }
}
