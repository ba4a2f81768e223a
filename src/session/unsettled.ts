import { WakeableTimer } from "../leader/wakeable-timer.js";
import type { LeaseClient } from "../lease-client.js";
import { type Held, holderOf, type Lease } from "../protocol/lease.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { Gate } from "./gate.js";
import { type Looked, lookAt } from "./row-looks.js";

/** So late can a request still land: DynamoDB refuses one that was signed more than a quarter of an hour ago. */
const LANDS_WITHIN_MS = 900_000;

/** A name whose row this process may hold without knowing. */
export interface Claimant extends Looked {
  readonly candidateId: string;
  /** An acquire is under way, or a leadership is not over. */
  readonly isBusy: boolean;
  /** It changes whenever an acquire or a leadership begins or ends. */
  readonly generation: number;
  /** Gives back a row without a leadership. Resolves to whether it is given back. Rejects as verbs do. */
  giveBack(row: Held): Promise<boolean>;
}

interface Name {
  /** Not before this moment: its work may still be about to stop. */
  readonly fromMs: number;
  /** Until then a request can still land. */
  readonly landsUntilMs: number;
}

/**
 * Rule 14f. The names whose rows may be held under this session by nobody who knows: the session's heartbeat would keep them
 * alive for ever. They are read once per lease, and what is found is given back.
 */
export class Unsettled {
  readonly #names = new Map<Claimant, Name>();
  readonly #timer: WakeableTimer;
  #isOver = false;
  #running = false;

  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    private readonly gate: Gate,
    private readonly onGivenBack: (election: string) => void,
  ) {
    this.#timer = new WakeableTimer(options.clock);
  }

  /** An acquire got no answer. It can land much later. */
  acquireSent(claimant: Claimant): void {
    this.#add(claimant, this.#nowMs, this.#nowMs + LANDS_WITHIN_MS);
  }

  /** A leadership is over, and its row may still name it. `afterMs`: how long its work may still need to stop. */
  leadershipOver(claimant: Claimant, afterMs: number): void {
    this.#add(claimant, this.#nowMs + afterMs, this.#names.get(claimant)?.landsUntilMs ?? 0);
  }

  /** A later acquire has landed, and each earlier one was conditional on an older row. */
  settled(claimant: Claimant): void {
    this.#names.delete(claimant);
  }

  stop(): void {
    this.#isOver = true;
    this.#names.clear();
    this.#timer.wake();
  }

  get #nowMs(): number {
    return this.options.clock.monotonicMs();
  }

  #add(claimant: Claimant, fromMs: number, landsUntilMs: number): void {
    if (this.#isOver) return;
    this.#names.set(claimant, { fromMs, landsUntilMs });
    if (this.#running) this.#timer.wake();
    else void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let nextMs = this.#nowMs; this.#names.size > 0 && !this.#isOver; ) {
      const dueMs = Math.max(nextMs, Math.min(...[...this.#names.values()].map(({ fromMs }) => fromMs)));
      if (dueMs > this.#nowMs) {
        await this.#timer.wait(dueMs - this.#nowMs);
        continue;
      }
      nextMs = this.#nowMs + this.options.leaseDurationMs;
      await this.#settle();
    }
    this.#running = false;
  }

  async #settle(): Promise<void> {
    const nowMs = this.#nowMs;
    const due = [...this.#names].filter(([{ isBusy }, { fromMs }]) => fromMs <= nowMs && !isBusy);
    const found: Array<Promise<void>> = [];
    const before = new Map(due.map(([claimant, name]) => [claimant, { name, at: claimant.generation }]));
    await lookAt([...before.keys()], this.client, this.gate, (claimant, lease, sent) => {
      claimant.noted(lease, sent);
      const seen = before.get(claimant);
      // Something has begun since the look left, so the row may be that one's.
      if (seen === undefined || claimant.isBusy || claimant.generation !== seen.at) return;
      found.push(this.#settleOne(claimant, seen.name, lease));
    });
    await Promise.all(found);
  }

  async #settleOne(claimant: Claimant, name: Name, lease: Lease | undefined): Promise<void> {
    const forget = () => {
      if (this.#names.get(claimant) === name) this.#names.delete(claimant);
    };
    if (holderOf(lease) !== claimant.candidateId) {
      if (name.landsUntilMs <= this.#nowMs) forget();
      return;
    }
    try {
      if (!(await claimant.giveBack(lease as Held))) return;
      // Each request of before was conditional on an older row.
      forget();
      this.onGivenBack(claimant.election);
    } catch {
      // It is looked at again after a lease.
    }
  }
}
