import type { Lease } from "../../src/protocol/lease.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
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

  /** Reads that need not be consistent are answered by replicas. */
  before(table: LeaseStore): LeaseStore {
    return new Proxy(table, {
      get: (target, verb) => {
        if (verb === "read")
          return async (election: string, how: { consistent: boolean }, signal: AbortSignal) => {
            const answer = await target.read(election, how, signal);
            return how.consistent ? answer : { ...answer, lease: this.#show(election, answer.lease) };
          };
        if (verb === "readMany")
          return async (names: readonly string[], how: { consistent: boolean }, signal: AbortSignal) => {
            const answer = await target.readMany(names, how, signal);
            if (how.consistent) return answer;
            const shown = names.map((name) => [name, this.#show(name, answer.leases.get(name))] as const);
            const there = shown.filter((one): one is readonly [string, Lease] => one[1] !== undefined);
            return { ...answer, leases: new Map(there) };
          };
        const value: unknown = Reflect.get(target, verb);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** What a read shows in the place of `row`. */
  #show(election: string, row: Lease | undefined): Lease | undefined {
    const past = this.#past.get(election);
    if (past === undefined || !this.random.chance(this.staleness)) return row;
    const asOfMs = this.nowMs() - this.random.between(0, BEHIND_MS);
    return past.findLast(({ atMs }) => atMs <= asOfMs)?.row;
  }
}
