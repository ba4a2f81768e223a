import type { Bid } from "../candidate/bid.js";
import type { Turn, Under } from "../candidate/under.js";
import type { Instant } from "../clock.js";
import type { LeaseClient } from "../lease-client.js";
import { type Held, isHeldIn, type Lease } from "../protocol/lease.js";
import type { ResolvedOptions } from "../resolve-options.js";
import { Hold, type HoldSeat } from "./hold.js";
import type { SessionCore } from "./session-core.js";

/** Above all revisions that a late renewal of an ended leadership can have. */
const REVISIONS_AHEAD = 2 ** 20;

/** One election's place under a session. */
export class Seat implements Under, HoldSeat {
  /** Acquires that are under way. */
  #acquiring = 0;
  #generation = 0;
  #hold: Hold | undefined;

  constructor(
    private readonly core: SessionCore,
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
  ) {}

  get watch() {
    return this.core.watch;
  }

  get msSinceContact(): number | undefined {
    return this.core.msSinceContact;
  }

  open(): Promise<string> {
    return this.core.open();
  }

  trustLeftMs(id: string): number {
    return this.core.trustLeftMs(id);
  }

  unsettled(): void {
    this.core.current?.unsettled.acquireSent(this);
  }

  async paced<T>(request: () => Promise<T>, turn: Turn): Promise<T> {
    this.#acquiring += 1;
    this.#generation += 1;
    this.core.acquiring(1);
    try {
      return await this.core.gate.run(() => this.core.unlessClosed(request), turn);
    } finally {
      this.#acquiring -= 1;
      this.#generation += 1;
      this.core.acquiring(-1);
    }
  }

  /** For what is written when a leadership has begun, and when it ends. */
  pacedEnd<T>(request: () => Promise<T>, turn: Turn): Promise<T> {
    return this.core.gate.run(request, turn);
  }

  /** For the lease that was acquired. Its tenure begins in the same step. */
  hold(lease: Held): Hold {
    const { current } = this.core;
    const session = current?.id === lease.session ? current : undefined;
    this.#hold = new Hold(session, this, this.client, this.options);
    this.#generation += 1;
    return this.#hold;
  }

  holdChanged(): void {
    this.#generation += 1;
  }

  /** A bid begins. Its signal aborts with the caller's, and when the session is closed. */
  beginBid(signal: AbortSignal | undefined): Bid {
    return this.core.beginBid(signal);
  }

  endBid(bid: Bid): void {
    this.core.endBid(bid);
  }

  get election(): string {
    return this.options.name;
  }

  get candidateId(): string {
    return this.options.candidateId;
  }

  get isBusy(): boolean {
    return this.#acquiring > 0 || this.#hold?.tenure?.isOver === false;
  }

  get generation(): number {
    return this.#generation;
  }

  async read() {
    const { answer, sent } = await this.client.read(true);
    return { lease: answer.lease, sent };
  }

  noted(lease: Lease | undefined, sent: Instant): void {
    this.client.noted(lease, sent);
  }

  async giveBack({ term, revision }: Held): Promise<boolean> {
    const { requestTimeoutMs } = this.options;
    const own = { term, revision: revision + REVISIONS_AHEAD, at: this.client.time.now() };
    const resignation = { reason: "expired", ticksBefore: undefined } as const;
    const { succeeded, lease, sent, received } = await this.core.gate.run(() =>
      this.client.resign(own, resignation, requestTimeoutMs),
    );
    this.client.noted(lease, sent, received);
    return succeeded || !isHeldIn(lease, { candidateId: this.candidateId, term });
  }
}
