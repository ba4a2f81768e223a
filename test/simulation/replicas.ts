import type { Lease } from "../../src/protocol/lease.js";
import type { Random } from "./random.js";

/** No replica is further behind. */
const BEHIND_MS = 3_000;

interface Past {
  readonly atMs: number;
  readonly row: Lease | undefined;
}

/** Rows as an eventually consistent read may show them: as they were up to some seconds ago. */
export class Replicas {
  /** How often such a read shows an older row. */
  staleness = 0;
  /** Every state of each row, oldest first. */
  readonly #past = new Map<string, Past[]>();

  constructor(
    private readonly random: Random,
    private readonly nowMs: () => number,
  ) {}

  wrote(election: string, row: Lease | undefined): void {
    const past = this.#past.get(election) ?? [{ atMs: Number.NEGATIVE_INFINITY, row: undefined }];
    past.push({ atMs: this.nowMs(), row });
    const oldestMs = this.nowMs() - BEHIND_MS;
    while (past.length > 1 && (past[1] as Past).atMs < oldestMs) past.shift();
    this.#past.set(election, past);
  }

  /** What a read shows in the place of `row`. */
  show(election: string, row: Lease | undefined): Lease | undefined {
    const past = this.#past.get(election);
    if (past === undefined || !this.random.chance(this.staleness)) return row;
    const asOfMs = this.nowMs() - this.random.between(0, BEHIND_MS);
    return past.findLast(({ atMs }) => atMs <= asOfMs)?.row;
  }
}
