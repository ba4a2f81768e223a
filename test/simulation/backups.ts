import { endedTerm, type Lease } from "../../src/protocol/lease.js";
import type { Answer } from "../../src/protocol/verbs.js";
import type { Host } from "./host.js";
import type { Verb } from "./network.js";
import type { Player } from "./players.js";
import type { Random } from "./random.js";

/** Requests come this late at most, and nobody tries for longer with what it saw before. */
const LATEST_MS = 120_000;

/** Whatever for an election asks for it, and whether it was done or refused (rule 6a). */
const SHOWS_THE_ROW: ReadonlySet<Verb> = new Set([
  "read",
  "acquire",
  "createPlaceholder",
  "renew",
  "resign",
  "transact",
  "markAwaited",
]);

/**
 * Older lease rows, put back by an operator in moments for which something is promised: each process that lives has
 * seen a later row, of the current term, and no request that goes by the older one is still under way. Until terms
 * have gone on from there no process starts or ends: one that never saw the later term could not know of it.
 */
export class Backups {
  /** Every row that there was. */
  readonly #rows: Array<{ readonly atMs: number; readonly lease: Lease }> = [];
  readonly #seen = new Map<Host, Lease>();
  /** The row that was lost; undefined when terms have gone on since. */
  #lost: Lease | undefined;

  /** Nobody may start or end now. */
  get isPending(): boolean {
    return this.#lost !== undefined;
  }

  landed(atMs: number, lease: Lease): void {
    this.#rows.push({ atMs, lease });
    if (this.#lost && isLater(lease, this.#lost)) this.#lost = undefined;
  }

  /** The row is gone. Its terms can come again where they left no history, so nobody has seen what comes now. */
  deleted(): void {
    this.#seen.clear();
  }

  /** An answer reached a process that still waits for it. */
  shown(host: Host, verb: Verb, answer: Answer): void {
    const { lease } = answer as Answer & { lease?: Lease };
    const known = this.#seen.get(host);
    if (SHOWS_THE_ROW.has(verb) && lease && (!known || isLater(lease, known))) this.#seen.set(host, lease);
  }

  /** A row that may be put back now in the place of `row`. */
  offer(
    nowMs: number,
    row: Lease | undefined,
    players: readonly Player[],
    random: Random,
  ): Lease | undefined {
    if (row === undefined || row.kind === "placeholder" || this.isPending) return undefined;
    if (row.kind === "vacant" && row.endReason === "evicted") return undefined;
    // Terms go on only where somebody is alive who may lead.
    if (!players.some(({ eligible }) => eligible)) return undefined;
    const past = this.#rows.filter(({ lease }, i) => {
      const next = this.#rows[i + 1];
      const last = this.#rows.findLast((other) => other.lease.term === lease.term);
      const isOver = lease.term === row.term || (last !== undefined && nowMs - last.atMs >= LATEST_MS);
      return (
        next !== undefined &&
        nowMs - next.atMs >= LATEST_MS &&
        isOver &&
        lease.kind !== "placeholder" &&
        isLater(row, lease) &&
        players.every(({ host }) => this.#knowsMore(host, row, lease))
      );
    });
    if (past.length === 0) return undefined;
    const { lease } = random.pick(past);
    const { pausedBy, pauseRevision } = row;
    return { ...lease, pausedBy, pauseRevision };
  }

  restored(atMs: number, older: Lease, lost: Lease): void {
    this.landed(atMs, older);
    this.#lost = lost;
  }

  #knowsMore(host: Host, row: Lease, older: Lease): boolean {
    const known = this.#seen.get(host);
    return known?.term === row.term && isLater(known, older);
  }
}

/** The number that an eviction uses up is nobody's term. */
export function isLater(a: Lease, b: Lease): boolean {
  return endedTerm(a) > endedTerm(b) || (endedTerm(a) === endedTerm(b) && a.revision > b.revision);
}
