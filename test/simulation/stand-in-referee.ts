import { type Instant, longestElapsedMs, readClock } from "../../src/clock.js";
import { type Held, isHeldIn, type Lease, type OwnTerm } from "../../src/protocol/lease.js";
import type { RenewRequest, ResignRequest } from "../../src/protocol/verbs.js";
import { EPOCH_MS, type Host } from "./host.js";
import type { Verb } from "./network.js";
import type { Player } from "./players.js";
import { Violation } from "./violation.js";

/** As all players have it. */
export const STOP_TIMEOUT_MS = 5_000;
/** Two clocks of one machine may differ by this part of a time. */
const CLOCKS_DIFFER = 0.01;

/** A stand-in that leaves, or has landed. */
export interface StandInSight {
  /** Whose thread sends it. */
  readonly process: Host;
  readonly renewal: RenewRequest;
}

/** From when trust counts, and for how long. */
export interface Trusted {
  readonly since: Instant;
  readonly forMs: number;
}

/** What a process knew of its trust when its event loop last turned, and what its thread has learned since. */
interface Known {
  readonly term: number;
  readonly disturbances: number;
  readonly trusted: Trusted[];
}

/** Holds stand-ins to their promises (rule 12), and what a holder trusts to what it promised the others. */
export class StandInReferee {
  /** When the last renewal or acquire of each process itself left, by its own clock. */
  readonly #triedMs = new Map<Host, number>();
  /** Tenures that were told to end: when, by the clock of their process. */
  readonly #endedMs = new Map<string, number>();
  /** Tenures whose release has left. */
  readonly #released = new Set<string>();
  /** By tenure: the highest revision of a stand-in that has left. */
  readonly #highestLeft = new Map<string, number>();
  /** Tenures whose trust had run out when an answer came. */
  readonly #ranOut = new Set<string>();
  readonly #known = new Map<Host, Known>();
  /** The latest value that was on the row, by term. Values are numbered. */
  readonly #published = new Map<number, number>();

  /** By the process itself. */
  sent(host: Host, verb: Verb, request: unknown): void {
    if (verb === "acquire" || verb === "renew") this.#triedMs.set(host, host.monotonicMs());
    if (verb === "resign") this.#released.add(nameOf(request as OwnTerm));
    if (verb === "renew" || verb === "resign") this.#isAbove(request as RenewRequest | ResignRequest);
  }

  /** Rule 12b. Otherwise a stand-in that is slow could land after this try, and undo what it said. */
  #isAbove(request: RenewRequest | ResignRequest): void {
    const tenure = nameOf(request);
    if ("isStandIn" in request && request.isStandIn) return;
    if (request.revision < (this.#highestLeft.get(tenure) ?? 0))
      throw new Violation("above", `a try of ${tenure} is below a stand-in that has left before it`);
  }

  ended(own: OwnTerm, host: Host | undefined): void {
    if (host) this.#endedMs.set(nameOf(own), host.monotonicMs());
  }

  /** By the thread, for the moment `plannedMs`. */
  leaves({ process, renewal }: StandInSight, plannedMs: number, maxStallMs: number): void {
    const tenure = nameOf(renewal);
    const triedMs = this.#triedMs.get(process) ?? Number.NEGATIVE_INFINITY;
    if (plannedMs > triedMs + maxStallMs + 1e-3)
      throw new Violation("longest stall", `a stand-in of ${tenure} leaves later than the longest stall`);
    if (this.#released.has(tenure))
      throw new Violation("silent", `a stand-in of ${tenure} leaves after the release`);
    const endedMs = this.#endedMs.get(tenure) ?? Number.POSITIVE_INFINITY;
    if (process.monotonicMs() > endedMs + STOP_TIMEOUT_MS + 1)
      throw new Violation("time to stop", `a stand-in of ${tenure} leaves when the time to stop is over`);
    this.#highestLeft.set(tenure, Math.max(renewal.revision, this.#highestLeft.get(tenure) ?? 0));
  }

  /** A process whose event loop turns trusts its lease for so long. */
  trusts({ host }: Player, term: number, forMs: number): void {
    const trusted = [{ since: readClock(host), forMs }];
    this.#known.set(host, { term, disturbances: host.disturbances, trusted });
  }

  /** The answer to a stand-in that landed came to the thread. */
  confirmed({ process, renewal }: StandInSight, trusted: Trusted): void {
    const known = this.#known.get(process);
    // What is known of a machine whose clocks were stepped is not enough.
    const isKnown = known?.term === renewal.term && process.disturbances === known.disturbances + 1;
    if (!isKnown || process.blockedAtMs === undefined) return;
    const now = readClock(process);
    const left = known.trusted.map(({ since, forMs }) => forMs - longestElapsedMs(since, now));
    if (Math.max(...left) < -CLOCKS_DIFFER * trusted.forMs) this.#ranOut.add(nameOf(renewal));
    else known.trusted.push(trusted);
  }

  /** At a true instant at which it does. */
  inspect({ election: { candidateId } }: Player, term: number, row: Lease | undefined, nowMs: number): void {
    const own = { candidateId, term };
    if (this.#ranOut.has(nameOf(own)))
      throw new Violation("lost for good", `${nameOf(own)} is trusted again after its trust had run out`);
    if (!isHeldIn(row, own) || row.expiresAt === undefined || EPOCH_MS + nowMs <= row.expiresAt) return;
    throw new Violation("as promised", `${nameOf(own)} is trusted for longer than its row says`);
  }

  /** The row was deleted, or an older one was put back. */
  meddled(): void {
    this.#published.clear();
  }

  /** A write on the lease row. */
  landed(verb: Verb, request: unknown, before: Lease | undefined, lease: Lease): void {
    if (before === undefined || before.term !== lease.term) return;
    if (lease.revision < before.revision)
      throw new Violation("revisions increase", `revision ${lease.revision} follows ${before.revision}`);
    if (before.kind !== "held" || lease.kind !== "held") return;
    const number = numberOf(lease);
    if (number < (this.#published.get(lease.term) ?? 0))
      throw new Violation("published", `an older value of term ${lease.term} is back on the row`);
    this.#published.set(lease.term, number);
    if (verb === "renew" && (request as RenewRequest).isStandIn && lease.line?.join() !== before.line?.join())
      throw new Violation("line", `a stand-in of term ${lease.term} changes the line`);
  }
}

function nameOf({ candidateId, term }: OwnTerm): string {
  return `${candidateId}/${term}`;
}

/** Of a value that `publishedValue` made; 0 for any other. */
function numberOf({ term, value }: Held): number {
  const [of, number] = value?.split("/") ?? [];
  return Number(of) === term ? Number(number) : 0;
}

/** What a leader publishes: larger numbers later. */
export function publishedValue(term: number, number: number): string {
  return `${term}/${number}`;
}
