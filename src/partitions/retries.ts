import { backoffMs } from "../async.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { ClaimEnd } from "./claim.js";
import { MAX_AVOIDED } from "./member-text.js";

/** The longest wait after work that failed or returned. */
const MAX_WAIT_MS = 60_000;
/** Work that failed goes to other members first: for a lease, in which they see it, and so many times the wait. */
const AVOIDED_WAITS = 10;

interface Retry {
  readonly failures: number;
  readonly atMs: number;
  readonly avoidedUntilMs: number;
}

/** Partitions whose work failed or returned here, or whose row cannot be read: when this member tries them again. */
export class Retries {
  readonly #retries = new Map<number, Retry>();

  constructor(private readonly options: Pick<ResolvedOptions, "leaseDurationMs" | "random">) {}

  ended(partition: number, { kind, ranMs }: Exclude<ClaimEnd, { kind: "over" }>, nowMs: number): void {
    const { leaseDurationMs, random } = this.options;
    const before = ranMs < leaseDurationMs ? (this.#retries.get(partition)?.failures ?? 0) : 0;
    const waitMs = backoffMs(before + 1, MAX_WAIT_MS, random);
    const avoidedMs = kind === "failed" ? leaseDurationMs + AVOIDED_WAITS * waitMs : 0;
    const retry = { failures: before + 1, atMs: nowMs + waitMs, avoidedUntilMs: nowMs + avoidedMs };
    this.#retries.set(partition, retry);
  }

  isDue(partition: number, nowMs: number): boolean {
    return nowMs >= (this.#retries.get(partition)?.atMs ?? 0);
  }

  /** Of the partitions below `count`: what failed here lately, unless it is held again. Undefined: nothing. */
  avoided(count: number, holds: ReadonlySet<number>, nowMs: number): ReadonlySet<number> | undefined {
    const avoided = [...this.#retries]
      .filter(([partition, { avoidedUntilMs }]) => nowMs < avoidedUntilMs && partition < count)
      .map(([partition]) => partition)
      .filter((partition) => !holds.has(partition))
      .sort((a, b) => a - b);
    return avoided.length > 0 ? new Set(avoided.slice(0, MAX_AVOIDED)) : undefined;
  }

  /** The moments at which something of it changes. */
  get moments(): number[] {
    return [...this.#retries.values()].flatMap(({ atMs, avoidedUntilMs }) => [atMs, avoidedUntilMs]);
  }
}
