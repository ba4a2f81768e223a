import { backoffMs } from "./backoff.js";
import { sleep } from "./clock.js";
import { TableUnavailableError } from "./errors.js";
import type { Lease } from "./lease.js";
import type { ResolvedOptions } from "./options.js";
import type { Requests } from "./requests.js";
import { nextLookMs } from "./rhythm.js";
import { type Sighting, see } from "./sighting.js";

/** Who leads, as the lease row says. Times are epoch milliseconds of the table's clock, for display. */
export interface Leader {
  readonly candidateId: string;
  readonly term: number;
  /** What it published: an endpoint, a version. */
  readonly value: string | undefined;
  readonly electedAt: number | undefined;
  readonly renewedAt: number | undefined;
  readonly expiresAt: number | undefined;
}

export function leaderOf(lease: Lease | undefined): Leader | undefined {
  if (lease?.holder === undefined) return undefined;
  const { holder: candidateId, term, value, electedAt, renewedAt, expiresAt } = lease;
  return { candidateId, term, value, electedAt, renewedAt, expiresAt };
}

/** Reads without competing. */
export class Observer {
  constructor(
    private readonly requests: Requests,
    private readonly options: ResolvedOptions,
  ) {}

  async leader(signal?: AbortSignal): Promise<Leader | undefined> {
    const { lease } = await this.#look(undefined, true, signal);
    return this.#hasRunOut(lease) ? undefined : leaderOf(lease);
  }

  async *follow(signal?: AbortSignal): AsyncIterableIterator<Leader | undefined> {
    const { clock, renewIntervalMs, random } = this.options;
    let sighting: Sighting | undefined;
    let told: string | undefined;
    for (let failures = 0; !signal?.aborted; ) {
      try {
        sighting = await this.#look(sighting, failures > 0, signal);
        failures = 0;
        const leader = this.#isDead(sighting) ? undefined : leaderOf(sighting.lease);
        const news = JSON.stringify([leader?.term, leader?.candidateId, leader?.value]);
        if (news !== told) {
          told = news;
          yield leader;
        }
        await sleep(clock, this.#nextLookInMs(sighting), signal);
      } catch (error) {
        if (signal?.aborted) return;
        if (!(error instanceof TableUnavailableError)) throw error;
        failures += 1;
        await sleep(clock, backoffMs(failures, renewIntervalMs, random), signal).catch(() => {});
      }
    }
  }

  async #look(
    before: Sighting | undefined,
    consistent: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Sighting> {
    const { answer, received } = await this.requests.send(
      "read the lease",
      (store, _sent, abort) => store.read(this.options.name, { consistent }, abort),
      { signal },
    );
    return see(before, answer.lease, received.monotonicMs, consistent);
  }

  #nextLookInMs({ lease, rhythm, firstSeenMs }: Sighting): number {
    const nowMs = this.requests.now().monotonicMs;
    if (lease?.holder === undefined) return this.options.renewIntervalMs;
    const deadMs = firstSeenMs + lease.leaseDurationMs;
    const lookMs = nextLookMs(rhythm, lease.renewIntervalMs);
    return Math.max(0, (deadMs > nowMs ? Math.min(lookMs, deadMs) : lookMs) - nowMs);
  }

  #isDead({ lease, firstSeenMs }: Sighting): boolean {
    if (lease === undefined || this.#hasRunOut(lease)) return true;
    return this.requests.now().monotonicMs - firstSeenMs >= lease.leaseDurationMs;
  }

  #hasRunOut(lease: Lease | undefined): boolean {
    const { service } = this.requests;
    if (lease?.expiresAt === undefined || !service || !this.options.useServiceClock) return false;
    return service.surelyPastInMs(lease.expiresAt, this.requests.now()) <= 0;
  }
}
