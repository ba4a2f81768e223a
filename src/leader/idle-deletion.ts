import { retry } from "../async.js";
import { TableUnavailableError } from "../errors.js";
import type { Emit } from "../events.js";
import type { LeaseClient } from "../lease-client.js";
import { floorOver, isForgettable } from "../protocol/forgotten.js";
import type { Held } from "../protocol/lease.js";
import type { ResolvedOptions } from "../resolve-options.js";

/** Tries in a row: at the beginning and at the end of a tenure. */
const TRIES = 5;

/**
 * Rules 13a and 13b. Beside the work it makes sure that a floor covers the term. Only then may the release say that the row can
 * be deleted some day. If it does not get there, the row stays.
 */
export class IdleDeletion {
  #isCovered = false;
  #raising: Promise<void> | undefined;

  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    private readonly emit: Emit,
    private readonly lease: Held,
  ) {
    void this.insist();
  }

  /** Several tries in a row. Resolves after a few request timeouts at the latest, whether the floor covers the term or not. */
  insist(): Promise<void> {
    if (this.#isCovered || !this.#isWanted) return Promise.resolve();
    this.#raising ??= this.#raise().finally(() => {
      this.#raising = undefined;
    });
    return this.#raising;
  }

  /** Whether the row may be deleted after this release. `lease`: as the last answer showed it. */
  allows(lease: Held): boolean {
    return this.#isCovered && isForgettable(lease);
  }

  get #isWanted(): boolean {
    const { term } = this.lease;
    const isPossible = isForgettable(this.lease) && floorOver(term) !== undefined;
    return this.options.deleteIdleAfterMs !== undefined && isPossible;
  }

  async #raise(): Promise<void> {
    const { clock, random, renewIntervalMs: maxMs } = this.options;
    const { term } = this.lease;
    const isTransient = (error: unknown) => error instanceof TableUnavailableError;
    try {
      await retry(() => this.client.raiseFloor(term), { clock, random, tries: TRIES, maxMs, isTransient });
      this.#isCovered = true;
    } catch (error) {
      this.emit({ type: "idle-deletion-failed", term, error });
    }
  }
}
