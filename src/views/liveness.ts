import type { LeaseClient } from "../lease-client.js";
import { observedEndMs } from "../protocol/expiry.js";
import { holderOf } from "../protocol/lease.js";
import { type Observation, observe } from "../protocol/observation.js";
import type { ResolvedOptions } from "../resolve-options.js";

/**
 * Whether this process renews the lease that the row says it holds. A process is wedged if the row names it as the leader
 * and it does not renew, or does not know that it leads: rule 4b, applied to itself.
 */
export class Liveness {
  #observation: Observation | undefined;

  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
  ) {}

  async isWedged(signal?: AbortSignal): Promise<boolean> {
    const { answer, received } = await this.client.read(true, signal);
    this.#observation = observe(this.#observation, answer.lease, received.monotonicMs, true);
    const { lease, firstSeenMs } = this.#observation;
    if (lease === undefined || holderOf(lease) !== this.options.candidateId) return false;
    return observedEndMs({ firstSeenMs, durationMs: lease.leaseDurationMs }) <= received.monotonicMs;
  }
}
