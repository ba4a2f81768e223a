import type { Instant } from "../clock.js";
import { WakeableTimer } from "../leader/wakeable-timer.js";
import type { LeaseClient } from "../lease-client.js";
import type { Lease } from "../protocol/lease.js";
import { LOOK_LEASES, type Named } from "../protocol/sessions.js";
import type { ResolvedOptions } from "../resolve-options.js";
import { pagesOf } from "../store/row-pages.js";
import type { Gate } from "./gate.js";

/** A row that is looked at. */
export interface Looked {
  readonly election: string;
  /** Reads this row alone, consistently. Rejects as verbs do. */
  read(): Promise<{ readonly lease: Lease | undefined; readonly sent: Instant }>;
  /** What a look has shown counts for its next campaign (rule 6a). */
  noted(lease: Lease | undefined, sent: Instant): void;
}

/** What a consistent look that left at `sent` has shown. */
export type Look<L extends Looked> = (row: L, lease: Lease | undefined, sent: Instant) => void;

/**
 * Reads rows consistently, in batches. `onLook` hears of each row whose look has succeeded. Resolves to the others: they
 * could not be read now.
 */
export async function lookAt<L extends Looked>(
  rows: readonly L[],
  client: LeaseClient,
  gate: Gate,
  onLook: Look<L>,
): Promise<L[]> {
  const failed: L[] = [];
  const single = async (row: L) => {
    try {
      const { lease, sent } = await gate.run(() => row.read());
      onLook(row, lease, sent);
    } catch {
      failed.push(row);
    }
  };
  const page = async (some: readonly L[]) => {
    const names = some.map(({ election }) => election);
    try {
      const { answer, sent } = await gate.run(() => client.readMany(names, { consistent: true }));
      // A row that is missing in the answer is gone, or it cannot be read together with others.
      const missing = some.filter(({ election }) => !answer.leases.has(election));
      for (const row of some)
        if (answer.leases.has(row.election)) onLook(row, answer.leases.get(row.election), sent);
      await Promise.all(missing.map(single));
    } catch {
      failed.push(...some);
    }
  };
  await Promise.all(pagesOf(rows).map(page));
  return failed;
}

/**
 * Rule 14c. The looks of a session's holder at its rows: at all of them every `LOOK_LEASES` leases, and at some at once when
 * others have written them (14h). What fails is tried again after a lease.
 */
export class RowLooks<L extends Looked> {
  readonly #timer: WakeableTimer;
  readonly #wanted = new Set<L>();
  readonly #periodMs: number;
  #nextMs: number;
  #retryMs = Number.NEGATIVE_INFINITY;
  /** Somebody has asked since the last look left. */
  #isUrgent = false;
  #isOver = false;

  constructor(
    /** Those that are held now. */
    private readonly rows: ReadonlySet<L>,
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    private readonly gate: Gate,
    private readonly onLook: Look<L>,
  ) {
    this.#timer = new WakeableTimer(options.clock);
    this.#periodMs = LOOK_LEASES * options.leaseDurationMs;
    this.#nextMs = this.#nowMs + this.#periodMs;
    void this.#run();
  }

  /** Another look leaves now, also if one is under way: that one may have left too early. */
  soon(elections: Named): void {
    for (const row of this.rows) {
      if (elections === undefined || elections.includes(row.election)) this.#wanted.add(row);
    }
    this.#retryMs = Number.NEGATIVE_INFINITY;
    this.#isUrgent = true;
    this.#timer.wake();
  }

  stop(): void {
    this.#isOver = true;
    this.#timer.wake();
  }

  get #nowMs(): number {
    return this.options.clock.monotonicMs();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const nowMs = this.#nowMs;
      if (nowMs >= this.#nextMs) {
        for (const row of this.rows) this.#wanted.add(row);
        // On a grid, however long a look takes: else the looks would drift.
        this.#nextMs += this.#periodMs * Math.ceil((nowMs - this.#nextMs + 1) / this.#periodMs);
      }
      if (this.#wanted.size === 0 || nowMs < this.#retryMs) {
        const untilMs = this.#wanted.size === 0 ? this.#nextMs : Math.min(this.#nextMs, this.#retryMs);
        await this.#timer.wait(Math.max(0, untilMs - nowMs));
        continue;
      }
      const rows = [...this.#wanted].filter((row) => this.rows.has(row));
      this.#wanted.clear();
      this.#isUrgent = false;
      const failed = await lookAt(rows, this.client, this.gate, this.onLook);
      for (const row of failed) this.#wanted.add(row);
      if (failed.length > 0 && !this.#isUrgent) this.#retryMs = this.#nowMs + this.options.leaseDurationMs;
    }
  }
}
