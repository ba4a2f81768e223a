import { backoffMs, sleep } from "../async.js";
import { TableUnavailableError } from "../errors.js";
import type { LeaseClient } from "../lease-client.js";
import { type Leader, leaderOf } from "../protocol/leader.js";
import {
  changesSince,
  type LeaderChange,
  missedTerms,
  mustConfirm,
  type Seen,
  type Told,
} from "../protocol/leader-change.js";
import type { TermRecord } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";
import { Lookout, type Sight } from "./lookout.js";

/** Reads without competing. */
export class Observer {
  readonly #lookout: Lookout;

  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
  ) {
    this.#lookout = new Lookout(client, options);
  }

  async leader(signal?: AbortSignal): Promise<Leader | undefined> {
    let sight: Sight | undefined;
    for (;;) {
      const before = sight;
      sight = await this.#lookout.look(undefined, true, signal);
      const { lease, leader } = this.#seen(sight);
      // The lease of a session that is over may have been taken since it was read.
      if (leader || !sight.session || lease?.term === before?.observation.lease?.term) return leader;
    }
  }

  /** Each change, once and in the order of the terms (rule 7i). */
  async *follow(signal?: AbortSignal): AsyncIterableIterator<LeaderChange> {
    const { clock, renewIntervalMs, random } = this.options;
    let sight: Sight | undefined;
    let told: Told | undefined;
    for (let failures = 0; !signal?.aborted; ) {
      try {
        const isConsistent: boolean = failures > 0 || sight?.observation.needsConsistentRead === true;
        sight = await this.#lookout.look(sight, isConsistent, signal);
        let seen = this.#seen(sight);
        if (!isConsistent && mustConfirm(told, seen)) {
          sight = await this.#lookout.look(sight, true, signal);
          seen = this.#seen(sight);
        }
        failures = 0;
        const range = missedTerms(told, seen);
        const past: readonly TermRecord[] = range
          ? (await this.client.readTerms(range, signal)).answer.terms
          : [];
        const since = changesSince(told, seen, past);
        told = since.told;
        yield* since.changes;
        await sleep(clock, this.#lookout.nextLookInMs(sight), signal);
      } catch (error) {
        if (signal?.aborted) return;
        if (!(error instanceof TableUnavailableError)) throw error;
        failures += 1;
        await sleep(clock, backoffMs(failures, renewIntervalMs, random), signal).catch(() => {});
      }
    }
  }

  /** `leader` is undefined when nobody holds the lease, or its holder is dead. */
  #seen(sight: Sight): Seen {
    const { lease, over } = this.#lookout.standing(sight);
    const untilMs = this.#lookout.heldUntilMs(sight);
    const isHeld = untilMs !== undefined && untilMs > this.client.time.now().monotonicMs;
    return { lease, leader: isHeld ? leaderOf(lease) : undefined, sessionEnd: over?.reason };
  }
}
