import type { ElectionEvent } from "../../../src/index.js";
import { type Lease, sessionOf } from "../../../src/protocol/lease.js";
import { isSessionRow } from "../../../src/protocol/sessions.js";
import { isLater } from "../backups.js";
import type { Host } from "../host.js";
import type { Random } from "../random.js";
import { isTombstone } from "./known.js";

/** Nothing that went by a row is under way so long after it. */
export const LATEST_MS = 75_000;

/** A row that may be put back now in the place of another one. */
export interface Offer {
  readonly name: string;
  readonly older: Lease;
  readonly row: Lease;
}

interface Past {
  readonly atMs: number;
  readonly lease: Lease;
}

/** Who may go by a row that is put back, and what it must remember then. */
export interface Memories {
  /** The candidates of an election that live. */
  candidatesOf(name: string): readonly string[];
  /** All processes that live, and since when they watch sessions. */
  readonly watchers: ReadonlyArray<{ readonly host: Host; readonly sinceMs: number }>;
  /** Some candidates watch sessions for themselves alone, so nobody knows what each has seen. */
  readonly hasPlain: boolean;
}

/**
 * Older rows, of leases and of sessions, that an operator puts back in moments for which something is promised (rule 6): whoever
 * lives remembers a later one, and no request that goes by the older one is under way. Until others have written there again, no
 * process starts or ends: one that never saw the later row could not know of it.
 */
export class Restores {
  /** Every row that there was, by name, the oldest first. */
  readonly #past = new Map<string, Past[]>();
  /** The highest term that a candidate has told of. */
  readonly #told = new Map<string, number>();
  /** The highest revision of a session's row that the watch of a process has read, and when it left. */
  readonly #read = new Map<Host, Map<string, { readonly revision: number; readonly sentMs: number }>>();
  /** What was lost, until terms have gone on; of a session, for a lease. */
  readonly #lost = new Map<string, { readonly row: Lease; readonly untilMs: number }>();

  constructor(
    private readonly leaseMs: number,
    private readonly random: Random,
    private readonly nowMs: () => number,
  ) {}

  /** Nobody may start or end now. */
  get isPending(): boolean {
    for (const [name, { untilMs }] of this.#lost) if (untilMs <= this.nowMs()) this.#lost.delete(name);
    return this.#lost.size > 0;
  }

  landed(name: string, lease: Lease): void {
    this.#past.set(name, [...(this.#past.get(name) ?? []), { atMs: this.nowMs(), lease }]);
    const lost = this.#lost.get(name);
    if (lost && isLater(lease, lost.row)) this.#lost.delete(name);
  }

  heardEvent(event: ElectionEvent): void {
    if (event.type !== "waiting" && event.type !== "standby" && event.type !== "elected") return;
    this.saw(event.candidateId, event.term);
  }

  /** This candidate was shown a row of this term. */
  saw(candidateId: string, term: number): void {
    this.#told.set(candidateId, Math.max(term, this.#told.get(candidateId) ?? 0));
  }

  /** Only the watch of a process reads the rows of sessions. */
  read(host: Host, name: string, lease: Lease | undefined, sentMs: number): void {
    if (!isSessionRow(name) || lease === undefined) return;
    const rows = this.#read.get(host) ?? new Map();
    this.#read.set(host, rows);
    if (lease.revision >= (rows.get(name)?.revision ?? 0))
      rows.set(name, { revision: lease.revision, sentMs });
  }

  /** Of these names: which rows may be put back. `rowOf`: as it stands. `asOfMs`: all as of one moment, or each as it comes. */
  offers(
    names: readonly string[],
    rowOf: (name: string) => Lease | undefined,
    memories: Memories,
    asOfMs?: number,
  ): Offer[] {
    return names.flatMap((name) => {
      const row = rowOf(name);
      if (row === undefined || this.#lost.has(name)) return [];
      const past = this.#past.get(name) ?? [];
      const asOf = asOfMs === undefined ? undefined : past.findLast(({ atMs }) => atMs <= asOfMs);
      const fitting = past.filter(
        (one, i) =>
          (asOfMs === undefined || one === asOf) && this.#fits(name, one, past[i + 1], row, memories),
      );
      return fitting.length === 0 ? [] : [{ name, older: asNow(this.random.pick(fitting).lease, row), row }];
    });
  }

  /** The last row of the same term that was another one, if nothing misleads anybody who sees it again. */
  withinTerm(name: string, row: Lease): Offer | undefined {
    const past = this.#past.get(name) ?? [];
    const one = past.findLast(({ lease }) => isLater(row, lease));
    if (one === undefined || one.lease.kind !== "held" || row.kind !== "held") return undefined;
    const offer = { name, older: asNow(one.lease, row), row };
    const isOld = past.every(
      ({ atMs, lease }) => !isLater(lease, one.lease) || this.nowMs() - atMs >= LATEST_MS,
    );
    return isOld && isHarmless(offer) ? offer : undefined;
  }

  #fits(name: string, { lease }: Past, next: Past | undefined, row: Lease, memories: Memories): boolean {
    const isOld = next !== undefined && this.nowMs() - next.atMs >= LATEST_MS;
    if (!isOld || lease.kind === "placeholder" || row.kind === "placeholder" || !isLater(row, lease))
      return false;
    if (isSessionRow(name))
      return lease.kind === "held" && this.#isSafeForSession(name, lease, row, memories);
    // The number that an eviction used up is in no event.
    if (row.kind === "vacant" && row.endReason === "evicted") return false;
    const last = this.#past.get(name)?.findLast((other) => other.lease.term === lease.term);
    if (lease.term === row.term) {
      if (lease.kind !== "held" || row.kind !== "held") return false;
    } else if (last !== undefined && this.nowMs() - last.atMs < LATEST_MS) return false;
    const candidates = memories.candidatesOf(name);
    return candidates.length > 0 && candidates.every((id) => (this.#told.get(id) ?? 0) >= row.term);
  }

  /**
   * Of one that has ended, nothing is trusted, and of one that was buried, after a lease. One that lives may only be put back where
   * nobody is new to it.
   */
  #isSafeForSession(name: string, older: Lease, row: Lease, memories: Memories): boolean {
    if (row.kind === "vacant") return !isTombstone(row) || this.nowMs() - this.#sinceMs(name) >= LATEST_MS;
    const remembers = ({ host, sinceMs }: Memories["watchers"][number]) => {
      const known = this.#read.get(host)?.get(name);
      return known !== undefined && known.sentMs > sinceMs && known.revision > older.revision;
    };
    return !memories.hasPlain && memories.watchers.every(remembers);
  }

  /** Since when the row is as it is. */
  #sinceMs(name: string): number {
    return this.#past.get(name)?.at(-1)?.atMs ?? 0;
  }

  /** Whether the row of a living session may be deleted: no copy of its opening can make it again (rule 14d). */
  mayBeDeleted(name: string): boolean {
    const [opening] = this.#past.get(name) ?? [];
    return opening !== undefined && this.nowMs() - opening.atMs >= LATEST_MS;
  }

  isYounger(name: string, asOfMs: number): boolean {
    return (this.#past.get(name)?.[0]?.atMs ?? 0) > asOfMs;
  }

  /** A moment of which nothing is under way. */
  aMoment(): number {
    return this.random.between(0, this.nowMs() - LATEST_MS);
  }

  restored(offer: Offer): void {
    const { name, older, row } = offer;
    this.#past.set(name, [...(this.#past.get(name) ?? []), { atMs: this.nowMs(), lease: older }]);
    if (isHarmless(offer)) return;
    const untilMs = isSessionRow(name) ? this.nowMs() + 1.01 * this.leaseMs : Number.POSITIVE_INFINITY;
    this.#lost.set(name, { row, untilMs });
  }
}

/** Who is new to a lease row sees that its holder lives, by the row of its session. */
function isHarmless({ name, older, row }: Offer): boolean {
  if (isSessionRow(name)) return row.kind === "vacant";
  return row.term === older.term && sessionOf(row) !== undefined;
}

/** A pause is not lost: it can be asked for again, and nothing tells when. */
function asNow(older: Lease, row: Lease): Lease {
  const { pausedBy, pauseRevision } = row;
  return { ...older, pausedBy, pauseRevision };
}
