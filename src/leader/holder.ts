import type { Instant } from "../clock.js";
import type { EndReason } from "../errors.js";
import type { Requests, Timed } from "../lease-client.js";
import { isPlaceholder, type Lease } from "../protocol/lease.js";
import { renewLanded, resignLanded } from "../protocol/lost-answers.js";
import type { LettingGo, Reservation, Written } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";

/** What became of a try: the row is believed before the refusal. */
export interface Told {
  readonly landed: boolean;
  /** The row after it, or as it stands; undefined: there is none. */
  readonly lease: Lease | undefined;
  /** Read before the request left. */
  readonly sent: Instant;
  readonly received: Instant;
}

/** What a renewal tells beside that the holder lives. */
export interface Renewal {
  readonly value: string | undefined;
  /** For the moment the request leaves: how long after it the next renewal is due. */
  readonly nextInMs: (sent: Instant) => number;
  readonly line: readonly string[] | undefined;
  readonly lettingGo: ((sent: Instant) => LettingGo) | undefined;
  readonly timeoutMs: number;
}

/** What goes with a resignation. */
export interface GivingBack {
  /** Recorded as done in the same write. */
  readonly tick?: string | undefined;
  readonly reserve?: Omit<Reservation, "until"> | undefined;
}

/**
 * The holder's verbs on its own term, with lost answers resolved.
 */
export class Holder {
  /** Highest revision of any try. Each has its own, so that the row tells which one landed. */
  #tried: number;

  constructor(
    private readonly requests: Requests,
    private readonly options: ResolvedOptions,
    private readonly term: number,
    revision: number,
  ) {
    this.#tried = revision;
  }

  async renew({ value, nextInMs, line, lettingGo, timeoutMs }: Renewal): Promise<Told> {
    const revision = this.#nextRevision();
    const timed = await this.requests.send(
      "renew the lease",
      (store, sent, signal) =>
        store.renew(
          {
            ...this.#who(),
            revision,
            renewIntervalMs: Math.ceil(nextInMs(sent)),
            value,
            line,
            lettingGo: lettingGo?.(sent),
            expiresAt: this.requests.expiresAt(sent),
            at: this.requests.at(sent),
          },
          signal,
        ),
      { timeoutMs },
    );
    return told(timed, (lease) => renewLanded(lease, this.#who(), revision));
  }

  async resign(reason: EndReason, { tick, reserve }: GivingBack, timeoutMs: number): Promise<Told> {
    const revision = this.#nextRevision();
    const timed = await this.requests.send(
      "resign",
      (store, sent, signal) =>
        store.resign(
          {
            ...this.#who(),
            revision,
            reason,
            at: this.requests.at(sent),
            tick,
            reservation: reserve && { ...reserve, until: this.requests.latest(sent, reserve.forMs) },
          },
          signal,
        ),
      { timeoutMs },
    );
    return told(timed, (lease) => resignLanded(lease, this.#who(), tick));
  }

  /** Why the row, as it stands, is not this holder's. */
  lossBy(lease: Lease | undefined): EndReason {
    if (lease === undefined || isPlaceholder(lease)) return "deleted";
    return lease.holder === undefined && lease.endReason === "evicted" ? "evicted" : "superseded";
  }

  #nextRevision(): number {
    this.#tried += 1;
    return this.#tried;
  }

  #who() {
    return { election: this.options.name, candidateId: this.options.candidateId, term: this.term };
  }
}

function told(
  { answer, sent, received }: Timed<Written>,
  landedBy: (lease: Lease | undefined) => boolean,
): Told {
  const { lease } = answer;
  return { landed: answer.done || landedBy(lease), lease, sent, received };
}
