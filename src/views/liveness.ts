import type { LeaseClient } from "../lease-client.js";
import { observedEndMs } from "../protocol/expiry.js";
import { type Observation, observe } from "../protocol/observation.js";
import type { ResolvedOptions } from "../resolve-options.js";

/**
 * Whether this process renews the lease that the row says it holds. A process is wedged if the row names it as the leader
 * and it does not renew, or does not know that it leads: rule 4b, applied to itself. Under a session it is the session's row
 * that must be renewed (rule 14).
 */
export class Liveness {
  #observation: Observation | undefined;
  #session: SeenSession | undefined;

  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
  ) {}

  async isWedged(signal?: AbortSignal): Promise<boolean> {
    const { answer, received } = await this.client.look(true, signal);
    this.#observation = observe(this.#observation, answer.lease, received.monotonicMs, true);
    const { lease, firstSeenMs } = this.#observation;
    if (lease?.kind !== "held" || lease.holder !== this.options.candidateId) return false;
    if (lease.session !== undefined) return this.#isUnchanged(lease.session, signal);
    return observedEndMs({ firstSeenMs, durationMs: lease.leaseDurationMs }) <= received.monotonicMs;
  }

  /** A session that has ended, or whose row is gone, is not renewed either. */
  async #isUnchanged(id: string, signal: AbortSignal | undefined): Promise<boolean> {
    const { answer, received } = await this.client.readSession(id, true, signal);
    const { lease } = answer;
    const durationMs = (lease ?? this.options).leaseDurationMs;
    const pair = `${id} ${lease?.term} ${lease?.revision}`;
    if (this.#session?.pair !== pair) this.#session = { pair, firstSeenMs: received.monotonicMs };
    const { firstSeenMs } = this.#session;
    return observedEndMs({ firstSeenMs, durationMs }) <= received.monotonicMs;
  }
}

/** What was seen of a session's row, and since when by the own monotonic clock. */
interface SeenSession {
  readonly pair: string;
  readonly firstSeenMs: number;
}
