import { withTimeout } from "../async.js";
import type { ElectionEvent, Emit } from "../events.js";
import { isHeldIn, type Lease } from "../protocol/lease.js";
import type { AcquireRequest, ResignRequest } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { LeaseSigner, LeaseStore } from "../store/lease-store.js";
import { needsClient } from "../store/needs-client.js";
import type { SignedRequest } from "../store/signed-request.js";
import { executorOf, type SignedWill, type WillExecutor } from "./executor.js";
import { processWills } from "./process-wills.js";

/** DynamoDB takes a signed request for five minutes: when signing fails once, there is time for another try. */
const SIGN_AGAIN_MS = 120_000;

type Failure = Pick<Extract<ElectionEvent, { type: "last-will-unavailable" }>, "part" | "error">;

/** A will before it is signed. */
interface Will extends Pick<SignedWill, "basis"> {
  /** The term that it ends. */
  readonly term: number;
  /** A crash (rule 2n), or a resignation that is under way (rule 11d). */
  readonly kind: "crash" | "resignation";
  sign(signal: AbortSignal): Promise<SignedRequest>;
}

/**
 * The last will of one candidate (rule 11): what gives its lease back if this process dies. It is signed while the process
 * lives, and handed to an executor.
 */
export class LastWill {
  /**
   * By their terms, the latest of each. They are two while a candidate whose trust has run out acquires again: the row
   * still shows the old term.
   */
  readonly #wills = new Map<number, Will>();
  /** What does not work and has been told. */
  readonly #told = new Set<Failure["part"]>();
  #stopListening: (() => void) | undefined;

  constructor(
    private readonly signer: LeaseSigner,
    private readonly executor: WillExecutor,
    private readonly options: ResolvedOptions,
    private readonly emit: Emit,
  ) {}

  /**
   * Rule 11f. Starts the executor. Call it when the acquire has been made, or while there is nothing to do: starting takes
   * some 10 ms. Resolves when the executor has all wills. Never rejects.
   */
  prepare(): Promise<void> {
    return this.executor.start();
  }

  /**
   * Rule 11b. The will for the term that an acquire is about to begin. The acquire leaves when this resolves. It never
   * rejects: without a will, the lease runs out.
   */
  async beforeAcquire({
    basis: { term: basisTerm, revision },
    term,
  }: Pick<AcquireRequest, "basis" | "term">) {
    await this.#put(this.#crash(term, { term: basisTerm, revision }), this.options.requestTimeoutMs);
  }

  /**
   * Rule 11d. This resignation replaces the will while it is under way: otherwise the will could come first, and the tick
   * that it completes would be lost. Never rejects.
   */
  async beforeResignation(request: ResignRequest, timeoutMs: number): Promise<void> {
    const sign = (signal: AbortSignal) => this.signer.resign(request, signal);
    const isThere = await this.#put(
      { kind: "resignation", term: request.term, basis: undefined, sign },
      timeoutMs,
    );
    if (!isThere) this.executor.clear(this.#keyOf(request.term));
  }

  /**
   * Rules 11a and 11c. What an answer that cannot be stale shows. It signs the will again as long as the row shows its term.
   * It takes the will back once its term is over and can no longer begin.
   */
  observed(lease: Lease | undefined): void {
    for (const will of [...this.#wills.values()]) this.#compare(will, lease);
  }

  #compare({ basis, term, kind }: Will, lease: Lease | undefined): void {
    if (isHeldIn(lease, { candidateId: this.options.candidateId, term })) {
      if (kind === "crash") void this.#put(this.#crash(term, undefined), this.options.requestTimeoutMs);
    } else if (basis === undefined || basis.term !== lease?.term || basis.revision !== lease.revision) {
      this.#wills.delete(term);
      this.executor.clear(this.#keyOf(term));
      if (this.#wills.size > 0) return;
      this.#stopListening?.();
      this.#stopListening = undefined;
    }
  }

  /**
   * Keeps the signature young during a tenure, also between renewals. Calls `onExit` when this process exits. Returns a
   * function that ends both. The will itself stays: the row may still show its term.
   */
  during(onExit: () => void): () => void {
    const { clock, requestTimeoutMs } = this.options;
    let cancel = () => {};
    const signLater = () => {
      cancel = clock.setTimer(SIGN_AGAIN_MS, () => {
        for (const will of [...this.#wills.values()]) void this.#put({ ...will }, requestTimeoutMs);
        signLater();
      });
    };
    signLater();
    const removeListener = this.executor.onExit(onExit);
    return () => {
      cancel();
      removeListener();
    };
  }

  #keyOf(term: number): string {
    return `${this.options.name}#${this.options.candidateId}#${term}`;
  }

  #crash(term: number, basis: Will["basis"]): Will {
    const { name: election, candidateId } = this.options;
    const sign = (signal: AbortSignal) => this.signer.crash({ election, candidateId, term }, signal);
    return { kind: "crash", term, basis, sign };
  }

  /** Whether the executor has the will. */
  async #put(will: Will, timeoutMs: number): Promise<boolean> {
    const { clock, leaseDurationMs: worthMs } = this.options;
    this.#stopListening ??= this.executor.onUnavailable((unavailable) => this.#tell(unavailable));
    this.#wills.set(will.term, will);
    let part: Failure["part"] = "signature";
    try {
      const isThere = await withTimeout(clock, timeoutMs, async (abort) => {
        const request = await will.sign(abort);
        // An older will that is still being signed is not handed over any more.
        if (this.#wills.get(will.term) !== will) return false;
        part = "companion";
        await this.executor.set(this.#keyOf(will.term), { request, basis: will.basis, worthMs });
        return true;
      });
      this.#told.delete("signature");
      return isThere;
    } catch (error) {
      this.#tell({ part, error });
      return false;
    }
  }

  #tell({ part, error }: Failure): void {
    if (this.#told.has(part)) return;
    this.#told.add(part);
    this.emit({ type: "last-will-unavailable", part, error });
  }
}

/** Undefined: the candidate leaves none. */
export function lastWillOf(store: LeaseStore, options: ResolvedOptions, emit: Emit): LastWill | undefined {
  if (!options.lastWill) return undefined;
  const { signer } = store;
  if (signer === undefined) {
    const why = "a table in memory ends with the process and has no requests to sign";
    throw needsClient("lastWill", true, why);
  }
  return new LastWill(signer, executorOf(store) ?? processWills(), options, emit);
}
