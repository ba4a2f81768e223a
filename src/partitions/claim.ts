import type { Election } from "../election.js";
import { MalformedLeaseError, SchemaVersionError } from "../errors.js";
import type { Leadership } from "../leader/leadership.js";

/** How a claim ended. */
export type ClaimEnd =
  /** It was withdrawn, handed over or lost. */
  | { readonly kind: "over" }
  | { readonly kind: "returned"; readonly ranMs: number }
  /** The work threw, or this partition's row cannot be read. Then the term is 0, unless it was elected before. */
  | {
      readonly kind: "failed";
      readonly ranMs: number;
      readonly error: unknown;
      readonly term: number;
    };

/** One member's bid for one partition, and its leadership of it: one term at most. */
export class Claim {
  readonly #stop = new AbortController();
  #leadership: Leadership | undefined;
  #isHandedOver = false;
  /** The table has answered: it is elected, or it waits. */
  hasAnswer = false;

  constructor(
    readonly partition: number,
    private readonly election: Election,
    readonly sinceMs: number,
  ) {}

  /** False: it campaigns, or the lease is lost or given back. */
  get holds(): boolean {
    return this.#leadership !== undefined && this.#leadership.remainingMs() > 0;
  }

  get campaigns(): boolean {
    return this.#leadership === undefined;
  }

  get isHandedOver(): boolean {
    return this.#isHandedOver;
  }

  /**
   * Campaigns, and runs the work of one term. `onChange` is called when this member begins to hold the partition, and when
   * its signal aborts.
   * @throws what `lead()` throws, except errors of the work and of the row.
   */
  async run(
    work: (partition: number, leadership: Leadership) => unknown,
    nowMs: () => number,
    onChange: () => void,
  ): Promise<ClaimEnd> {
    let ended: { readonly ranMs: number; readonly isAsked: boolean } | undefined;
    let thrownByWork: { readonly error: unknown } | undefined;
    try {
      await this.election.lead(
        async (leadership) => {
          this.#leadership = leadership;
          this.hasAnswer = true;
          const beganMs = nowMs();
          leadership.signal.addEventListener("abort", onChange, { once: true });
          onChange();
          try {
            await work(this.partition, leadership);
          } catch (error) {
            thrownByWork = { error };
            throw error;
          } finally {
            ended = { ranMs: nowMs() - beganMs, isAsked: leadership.signal.aborted };
            // One term a claim: whether it campaigns again is decided by what the members are then.
            this.#stop.abort();
          }
        },
        { signal: this.#stop.signal, announce: false },
      );
    } catch (error) {
      if (!isOfRow(error) && !(thrownByWork && thrownByWork.error === error)) throw error;
      return { kind: "failed", ranMs: ended?.ranMs ?? 0, error, term: this.#leadership?.term ?? 0 };
    }
    return ended && !ended.isAsked ? { kind: "returned", ranMs: ended.ranMs } : { kind: "over" };
  }

  /** Announces the end to the others. The work goes on until the next holder has polled. */
  handOver(to: string | undefined): void {
    this.#isHandedOver = true;
    this.#leadership?.stepDown(to === undefined ? {} : { to });
  }

  /** Hands over if it can. Whatever happens, it ends: nobody is left who could end it later. */
  leave(to: string | undefined): void {
    try {
      if (this.holds && to !== undefined) this.handOver(to);
      else this.withdraw();
    } catch {
      this.withdraw();
    }
  }

  /** Stops campaigning, or stops the work at once. */
  withdraw(): void {
    this.#stop.abort();
  }
}

/** It is about this partition alone. Errors of the table are about all of them. */
function isOfRow(error: unknown): boolean {
  return error instanceof MalformedLeaseError || error instanceof SchemaVersionError;
}
