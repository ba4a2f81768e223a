import { retry } from "../async.js";
import type { Turn } from "../candidate/under.js";
import type { Instant } from "../clock.js";
import { type EndReason, type InternalError, TableUnavailableError } from "../errors.js";
import type { ResignOutcome } from "../events.js";
import type { HeldUnder } from "../leader/held-under.js";
import type { Tenure } from "../leader/tenure.js";
import type { LeaseClient } from "../lease-client.js";
import type { Lease } from "../protocol/lease.js";
import { MAX_DRIFT } from "../protocol/service-clock.js";
import { rowLeaseMs } from "../protocol/sessions.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { Looked } from "./row-looks.js";
import type { Claimant, Unsettled } from "./unsettled.js";

/** Ends that the row itself has shown: it names somebody else, or nobody. */
const SHOWN_BY_ROW = new Set<EndReason>(["superseded", "evicted", "deleted"]);

/** Tries to acknowledge an eviction. Without it others wait until the row's lease has run out. */
const TRIES = 3;

/** The session, as a lease under it sees it. */
export interface Holding {
  readonly unsettled: Unsettled;
  trustLeftMs(): number;
  checkIn(ms: number): void;
  held(hold: Hold): void;
  heldNoMore(hold: Hold): void;
  changed(election: string): void;
  fail(fault: InternalError): void;
}

/** The election's place under the session. */
export interface HoldSeat extends Claimant {
  holdChanged(): void;
  pacedEnd<T>(request: () => Promise<T>, turn: Turn): Promise<T>;
}

/** One lease that is held under a session: what its tenure asks of the session, and the session of it. */
export class Hold implements HeldUnder, Looked {
  readonly rowTrustMs: number;
  readonly rowIntervalMs: number;
  readonly isQuiet: boolean;
  #tenure: Tenure | undefined;

  constructor(
    /** Undefined: it is over already. */
    private readonly session: Holding | undefined,
    private readonly seat: HoldSeat,
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
  ) {
    const rowMs = rowLeaseMs(options);
    // The clocks of two hosts drift for as long as the row lasts.
    this.rowTrustMs = rowMs - Math.max(options.safetyMarginMs, Math.ceil(rowMs * 2 * MAX_DRIFT));
    this.rowIntervalMs = Math.ceil(rowMs / 2);
    this.isQuiet = options.order === "random";
  }

  get election(): string {
    return this.options.name;
  }

  /** Undefined before its tenure has begun. */
  get tenure(): Tenure | undefined {
    return this.#tenure;
  }

  /** Call it in the step in which the tenure begins. */
  begins(tenure: Tenure): void {
    this.#tenure = tenure;
    this.session?.held(this);
    this.session?.unsettled.settled(this.seat);
  }

  trustLeftMs(): number {
    return this.session?.trustLeftMs() ?? 0;
  }

  checkIn(ms: number): void {
    this.session?.checkIn(ms);
  }

  changed(): void {
    this.session?.changed(this.election);
  }

  over(reason: EndReason, fault: InternalError | undefined): void {
    this.seat.holdChanged();
    if (fault) this.session?.fail(fault);
    if (SHOWN_BY_ROW.has(reason)) {
      // Those who wait for this row do not know yet what has become of it (rule 14g).
      this.changed();
      this.session?.heldNoMore(this);
    }
    if (reason !== "expired") return;
    // Its work has the margin to stop, as with every lease that runs out.
    const { clock, safetyMarginMs } = this.options;
    this.session?.unsettled.leadershipOver(this.seat, safetyMarginMs);
    clock.setTimer(safetyMarginMs, () => this.session?.heldNoMore(this));
  }

  async released(outcome: ResignOutcome, reason: EndReason | undefined): Promise<void> {
    const isUnsettled = outcome === "unconfirmed" || reason === "expired";
    if (isUnsettled) this.session?.unsettled.leadershipOver(this.seat, 0);
    if (reason === "evicted") await this.#acknowledge();
    this.session?.heldNoMore(this);
  }

  paced<T>(request: () => Promise<T>, turn: Turn): Promise<T> {
    return this.seat.pacedEnd(request, turn);
  }

  noted(lease: Lease | undefined, sent: Instant): void {
    this.seat.noted(lease, sent);
  }

  async read() {
    const { answer, sent } = await this.client.read(true);
    return { lease: answer.lease, sent };
  }

  /** Rule 14h. */
  async #acknowledge(): Promise<void> {
    const { term } = this.#tenure ?? {};
    if (term === undefined) return;
    const { clock, random, renewIntervalMs: maxMs } = this.options;
    const isTransient = (error: unknown) => error instanceof TableUnavailableError;
    const acknowledge = () => this.paced(() => this.client.acknowledgeEviction(term), "finish");
    await retry(acknowledge, { clock, random, tries: TRIES, maxMs, isTransient }).then(
      ({ answer, sent }) => {
        this.noted(answer.lease, sent);
        this.changed();
      },
      () => {},
    );
  }
}
