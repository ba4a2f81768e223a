import { FencedOutError, TableUnavailableError, TransactionUnknownError } from "../errors.js";
import { isHeldIn, type Lease } from "../protocol/lease.js";
import { fateOf } from "../protocol/transaction-fate.js";
import type { Tenure } from "./tenure.js";
import { UndecidedNumber } from "./transaction-number.js";
import type { Call } from "./transaction-queue.js";

/** What becomes of the calls that were sent: written, refused, or unknown. It is read from the row, never guessed (rules 9a and 9d). */
export class TransactionOutcomes {
  #open = new UndecidedNumber(1);

  constructor(private readonly tenure: Tenure) {}

  /** The number that is decided next. */
  get open(): UndecidedNumber {
    return this.#open;
  }

  /** This content has landed, so nothing else of this number ever will (rule 9a). */
  decided(id: string): void {
    const landed = this.#open.contentOf(id);
    for (const call of landed) this.#settle(call, call.resolve);
    for (const call of this.#open.unsettled) {
      const error = this.#open.errorOf(call);
      if (error !== undefined) this.reject(call, error);
    }
    this.#open = new UndecidedNumber(this.#open.number + 1);
  }

  /** Rule 9d. The lease row refused: it tells what has landed, and whether this term goes on. */
  readFate({ lease, attempts }: { lease: Lease | undefined; attempts?: number | undefined }): void {
    const { options, term } = this.tenure;
    const { name, candidateId } = options;
    const open = this.#open;
    const fate = fateOf(lease, { candidateId, term, number: open.number });
    // It was refused, though the row would have let it pass: that counts as no answer.
    if (fate.kind === "open") throw new TableUnavailableError("decide a transaction");
    if (fate.kind === "landed" && open.has(fate.id)) {
      this.decided(fate.id);
      if (isHeldIn(lease, { candidateId, term })) return;
    } else {
      const fenced = new FencedOutError(name, term, lease?.term);
      const error = lease?.term === term ? this.lostError() : fenced;
      for (const call of open.unsettled) {
        const own = open.errorOf(call);
        if (fate.kind === "never" || open.wasSentOnce(attempts)) this.reject(call, own ?? error);
        else this.settleUnknown(call, own);
      }
      this.#open = new UndecidedNumber(open.number + 1);
    }
    // When its own release caused this, the tenure knows already.
    const isGivenBack = lease?.kind === "vacant" && lease.term === term;
    if (!isGivenBack) this.tenure.superseded(lease);
  }

  #settle(call: Call, how: () => void): void {
    call.settled = true;
    this.#open.forget(call);
    how();
  }

  reject(call: Call, error: unknown): void {
    this.#settle(call, () => call.reject(error));
  }

  settleUnknown(call: Call, cause: unknown): void {
    const { options, term } = this.tenure;
    this.reject(call, new TransactionUnknownError(options.name, term, { cause }));
  }

  lostError(): Error {
    return this.tenure.lostError(-this.tenure.workLeftMs());
  }
}
