import { backoffMs, sleep } from "../async.js";
import { TableUnavailableError } from "../errors.js";
import type { LeaseClient } from "../lease-client.js";
import { endsAtMs, observedEndMs } from "../protocol/expiry.js";
import { type Leader, leaderOf } from "../protocol/leader.js";
import { type Observation, observe } from "../protocol/observation.js";
import { nextPollMs } from "../protocol/poll-schedule.js";
import type { TermRecord } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";

/** If more leaders than this were missed, only the latest ones are yielded. */
const MAX_MISSED = 1_000;

function pastLeader({ term, holder, electedAt, lastRenewedAt: renewedAt, endedAt }: TermRecord) {
  if (holder === undefined) return undefined;
  const unknown = { value: undefined, standby: undefined };
  return { candidateId: holder, term, electedAt, renewedAt, expiresAt: endedAt, ...unknown };
}

/** Two leaders with the same key are not yielded twice. */
function newsOf(leader: Leader | undefined): string {
  return JSON.stringify([leader?.term, leader?.candidateId, leader?.value]);
}

/** Reads without competing. */
export class Observer {
  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
  ) {}

  async leader(signal?: AbortSignal): Promise<Leader | undefined> {
    return this.#leaderIn(await this.#poll(undefined, true, signal));
  }

  async *follow(signal?: AbortSignal): AsyncIterableIterator<Leader | undefined> {
    const { clock, renewIntervalMs, random } = this.options;
    let observation: Observation | undefined;
    let lastNews: string | undefined;
    let lastTerm: number | undefined;
    for (let failures = 0; !signal?.aborted; ) {
      try {
        observation = await this.#poll(observation, failures > 0, signal);
        failures = 0;
        const leader = this.#leaderIn(observation);
        // Leaders that came and went between two polls: history has them, in order (rule 7i).
        const term = observation.lease?.term ?? 0;
        const before = leader === undefined ? term + 1 : term;
        if (lastTerm !== undefined && before > lastTerm + 1) {
          for (const past of await this.#between(lastTerm, before, signal)) {
            lastNews = newsOf(past);
            yield past;
          }
        }
        lastTerm = Math.max(term, lastTerm ?? 0);
        if (newsOf(leader) !== lastNews) {
          lastNews = newsOf(leader);
          yield leader;
        }
        await sleep(clock, this.#nextPollInMs(observation), signal);
      } catch (error) {
        if (signal?.aborted) return;
        if (!(error instanceof TableUnavailableError)) throw error;
        failures += 1;
        await sleep(clock, backoffMs(failures, renewIntervalMs, random), signal).catch(() => {});
      }
    }
  }

  async #between(after: number, before: number, signal: AbortSignal | undefined): Promise<Leader[]> {
    const range = { after, before, limit: Math.min(before - after, MAX_MISSED) };
    const { terms } = (await this.client.readTerms(range, signal)).answer;
    return [...terms].reverse().flatMap((record) => pastLeader(record) ?? []);
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
