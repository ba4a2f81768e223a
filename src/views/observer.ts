import { backoffMs, sleep } from "../async.js";
import { TableUnavailableError } from "../errors.js";
import type { LeaseClient } from "../lease-client.js";
import { endsAtMs, observedEndMs } from "../protocol/expiry.js";
import { type Leader, leaderOf } from "../protocol/leader.js";
import {
  changesSince,
  type LeaderChange,
  missedTerms,
  mustConfirm,
  type Told,
} from "../protocol/leader-change.js";
import { type Observation, observe } from "../protocol/observation.js";
import { nextPollMs } from "../protocol/poll-schedule.js";
import type { TermRecord } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";

/** Reads without competing. */
export class Observer {
  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
  ) {}

  async leader(signal?: AbortSignal): Promise<Leader | undefined> {
    return this.#leaderIn(await this.#poll(undefined, true, signal));
  }

  /** Each change, once and in the order of the terms (rule 7i). */
  async *follow(signal?: AbortSignal): AsyncIterableIterator<LeaderChange> {
    const { clock, renewIntervalMs, random } = this.options;
    let observation: Observation | undefined;
    let told: Told | undefined;
    for (let failures = 0; !signal?.aborted; ) {
      try {
        const isConsistent: boolean = failures > 0 || observation?.needsConsistentRead === true;
        observation = await this.#poll(observation, isConsistent, signal);
        let leader = this.#leaderIn(observation);
        if (!isConsistent && mustConfirm(told, { lease: observation.lease, leader })) {
          observation = await this.#poll(observation, true, signal);
          leader = this.#leaderIn(observation);
        }
        failures = 0;
        const seen = { lease: observation.lease, leader };
        const range = missedTerms(told, seen);
        const past: readonly TermRecord[] = range
          ? (await this.client.readTerms(range, signal)).answer.terms
          : [];
        const since = changesSince(told, seen, past);
        told = since.told;
        yield* since.changes;
        await sleep(clock, this.#nextPollInMs(observation), signal);
      } catch (error) {
        if (signal?.aborted) return;
        if (!(error instanceof TableUnavailableError)) throw error;
        failures += 1;
        await sleep(clock, backoffMs(failures, renewIntervalMs, random), signal).catch(() => {});
      }
    }
  }

  async #poll(
    before: Observation | undefined,
    consistent: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Observation> {
    const { answer, received } = await this.client.read(consistent, signal);
    return observe(before, answer.lease, received.monotonicMs, consistent);
  }

  #nextPollInMs({ lease, schedule, firstSeenMs }: Observation): number {
    const nowMs = this.client.time.now().monotonicMs;
    if (lease?.kind !== "held") return this.options.renewIntervalMs;
    const deadMs = observedEndMs({ firstSeenMs, durationMs: lease.leaseDurationMs });
    const pollMs = nextPollMs(schedule, lease.renewIntervalMs);
    return Math.max(0, (deadMs > nowMs ? Math.min(pollMs, deadMs) : pollMs) - nowMs);
  }

  /** Undefined when nobody holds the lease, or its holder is dead. */
  #leaderIn({ lease, firstSeenMs }: Observation): Leader | undefined {
    if (lease?.kind !== "held") return undefined;
    const now = this.client.time.now();
    const clock = this.options.useServiceClock ? this.client.time.headers : undefined;
    const { leaseDurationMs: durationMs, expiresAt: until } = lease;
    return endsAtMs({ firstSeenMs, durationMs, until }, now, clock) > now.monotonicMs
      ? leaderOf(lease)
      : undefined;
  }
}
