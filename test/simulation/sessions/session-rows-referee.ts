import type { Held, Lease } from "../../../src/protocol/lease.js";
import { isSessionRow, sessionRowName } from "../../../src/protocol/sessions.js";
import type { AcquireRequest, Answer } from "../../../src/protocol/verbs.js";
import { EPOCH_MS, type Host } from "../host.js";
import type { Verb } from "../network.js";
import { Violation } from "../violation.js";
import { isTombstone, type Known, type KnownSession } from "./known.js";
import { MAX_DRIFT } from "./plan.js";

/** Rules 14d and 14e: when a session may be sealed, that it ends for ever, and when a lease under it is free. */
export class SessionRowsReferee {
  /** The sessions whose end an answer has shown, by process. */
  readonly #endsSeen = new Map<Host | undefined, Set<string>>();

  constructor(
    private readonly known: Known,
    private readonly hostOf: (candidateId: string) => Host | undefined,
  ) {}

  heard(host: Host, args: readonly unknown[], answer: Answer): void {
    const { lease } = answer as { lease?: Lease };
    const of = typeof args[0] === "string" ? args[0] : (args[0] as { election?: string }).election;
    if (of !== undefined && isSessionRow(of) && lease?.kind === "vacant" && !isTombstone(lease))
      this.#endsSeen.set(host, (this.#endsSeen.get(host) ?? new Set()).add(of.slice("session#".length)));
  }

  landed(verb: Verb, election: string, lease: Lease, nowMs: number): void {
    const known = this.known.session(election);
    const before = known.row;
    if (verb === "nudgeSession") {
      known.row = lease;
      return;
    }
    if (verb === "sealSession") this.#expectDead(election, known, nowMs);
    if (before?.kind === "vacant" && lease.kind === "held")
      throw new Violation("sealed for ever", `${election} lives again after its end`);
    if (before?.kind === "held" && lease.revision <= before.revision && lease.kind === "held")
      throw new Violation("revisions increase", `${election}: ${lease.revision} follows ${before.revision}`);
    known.row = lease;
    known.changedMs = nowMs;
    if (lease.kind === "held") known.lost = undefined;
    if (lease.kind !== "vacant") return;
    if (isTombstone(lease)) {
      known.tombstoneMs ??= nowMs;
      this.known.excuseAllUnder(election, nowMs);
    } else known.ended = true;
  }

  /** Nobody seals a session that may live: its pair is a lease old, or its `expiresAt` has passed. */
  #expectDead(election: string, { row, changedMs, lost }: KnownSession, nowMs: number): void {
    if (row?.kind !== "held") return;
    // A row that was put back says nothing of the time (rule 6b).
    const isPast = lost === undefined && row.expiresAt !== undefined && EPOCH_MS + nowMs > row.expiresAt;
    if (isPast || nowMs - changedMs >= row.leaseDurationMs * (1 - MAX_DRIFT)) return;
    throw new Violation(
      "seal",
      `${election} is sealed ${Math.round(nowMs - changedMs)} ms after its last heartbeat`,
    );
  }

  /** A lease is taken that stands under a session. */
  claimed(name: string, row: Held, { candidateId }: AcquireRequest, nowMs: number): void {
    if (row.session === undefined || row.holder === candidateId) return;
    const session = this.known.session(sessionRowName(row.session));
    if (session.ended && this.#endsSeen.get(this.hostOf(candidateId))?.has(row.session)) return;
    const { tombstoneMs } = session;
    const isBuried =
      tombstoneMs !== undefined && nowMs - tombstoneMs >= row.leaseDurationMs * (1 - MAX_DRIFT);
    if (isBuried) return;
    const what =
      tombstoneMs !== undefined ? "a tombstone" : session.row ? "a session that lives" : "no session's row";
    throw new Violation("claim", `${name} is taken from ${row.holder} upon ${what}`);
  }

  /** By the table's TTL. */
  swept(sessionRow: string, nowMs: number): void {
    this.known.session(sessionRow).row = undefined;
    this.known.excuseAllUnder(sessionRow, nowMs);
  }

  /** The row of a session that lives is gone, or an older one is in its place. */
  lost(sessionRow: string, older: Lease | undefined, nowMs: number): void {
    const known = this.known.session(sessionRow);
    const isAlive = known.row?.kind === "held" && !known.ended;
    known.lost = isAlive ? (known.lost ?? { row: known.row, changedMs: known.changedMs }) : undefined;
    known.row = older;
    known.changedMs = nowMs;
    this.known.excuseAllUnder(sessionRow, nowMs);
  }
}
