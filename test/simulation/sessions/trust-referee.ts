import type { Lease } from "../../../src/protocol/lease.js";
import { sessionRowName } from "../../../src/protocol/sessions.js";
import type { Answer } from "../../../src/protocol/verbs.js";
import { EPOCH_MS } from "../host.js";
import type { Verb } from "../network.js";
import { Violation } from "../violation.js";
import { isTombstone, type Known, type KnownSession, tenureOf, type Working } from "./known.js";
import { MAX_DRIFT, ROW_LEASES } from "./plan.js";

/** P1 and rule 14c: who trusts a lease, for how long, and that its work hears of the end. */
export class TrustReferee {
  /** By candidate and term: when the request left whose answer last showed that the row is its own. */
  readonly #shownMs = new Map<string, number>();

  constructor(private readonly known: Known) {}

  expectOne(name: string, all: ReadonlySet<Working>): void {
    const trusted = [...all].filter(
      ({ bidder, leadership }) => bidder.host.answers && leadership.remainingMs() > 0,
    );
    if (trusted.length < 2) return;
    const who = trusted.map(({ leadership }) => `${leadership.candidateId} (term ${leadership.term})`);
    throw new Violation("exclusion", `${name} is trusted by ${who.join(" and ")}`);
  }

  look(name: string, nowMs: number): void {
    const lease = this.known.lease(name);
    const all = this.known.working(name);
    for (const working of all) {
      const { bidder, leadership, runs } = working;
      if (!bidder.host.alive) all.delete(working);
      if (!bidder.host.answers) {
        // Its event loop is blocked: whether it trusts is not known, and nobody waits for it.
        if (bidder.host.alive) lease.ledMs = nowMs;
        continue;
      }
      const isTrusted = leadership.remainingMs() > 0;
      if (isTrusted && !leadership.signal.aborted) lease.ledMs = nowMs;
      if (!isTrusted && !runs) all.delete(working);
      if (isTrusted) this.#expectPromised(working, nowMs);
      this.#expectTold(working, isTrusted, nowMs);
    }
  }

  #expectTold(working: Working, isTrusted: boolean, nowMs: number): void {
    const { bidder, leadership, runs } = working;
    const isTold = isTrusted || !runs || leadership.signal.aborted || !bidder.host.running;
    working.untoldSinceMs = isTold ? undefined : (working.untoldSinceMs ?? nowMs);
    if (nowMs - (working.untoldSinceMs ?? nowMs) > this.known.plan.leaseDurationMs)
      throw new Violation(
        "told",
        `${bidder.name}: the work of term ${leadership.term} does not hear of its end`,
      );
  }

  /** What a holder under a session trusts, it has promised to the others by two rows. */
  #expectPromised({ bidder, leadership, session, overrun }: Working, nowMs: number): void {
    if (session === undefined) return;
    const { leaseDurationMs } = this.known.plan;
    const tenure = `${bidder.name}: ${leadership.candidateId} (term ${leadership.term})`;
    const { row, changedMs } = this.#promiseOf(sessionRowName(session));
    if (row?.kind !== "held")
      throw new Violation("as promised", `${tenure} is trusted, but its session has ended`);
    if (row.expiresAt !== undefined && EPOCH_MS + nowMs > row.expiresAt)
      throw new Violation("as promised", `${tenure} is trusted for longer than its session's row says`);
    if (nowMs - changedMs > leaseDurationMs * (1 + MAX_DRIFT))
      throw new Violation("as promised", `${tenure} is trusted a lease after the last heartbeat`);
    const shownMs = this.#shownMs.get(tenureOf(bidder.name, leadership)) ?? nowMs;
    if (overrun && bidder.host.monotonicMs() - overrun.monotonicMs > leaseDurationMs)
      throw new Violation("overrun", `${tenure} is trusted a lease after its time to stop`);
    const rowLeaseMs = ROW_LEASES * leaseDurationMs + (bidder.maxStallMs ?? 0);
    if (nowMs - shownMs > rowLeaseMs * (1 + MAX_DRIFT))
      throw new Violation("row lease", `${tenure} is trusted a row lease after its holder last saw its row`);
  }

  /** What the holder of a session has promised to the others by its row. */
  #promiseOf(sessionRow: string): Pick<KnownSession, "row" | "changedMs"> {
    const { row, changedMs, lost } = this.known.session(sessionRow);
    const isEnded = row?.kind === "vacant" && !isTombstone(row);
    return lost && !isEnded ? lost : { row, changedMs };
  }

  /** An answer reached a process: what it shows of its own rows. */
  heard(
    candidates: ReadonlySet<string>,
    verb: Verb,
    args: readonly unknown[],
    answer: Answer,
    sentMs: number,
  ): void {
    const { lease, leases, done } = answer as {
      lease?: Lease;
      leases?: ReadonlyMap<string, Lease>;
      done?: boolean;
    };
    const how = args[1] as { consistent?: boolean } | undefined;
    if ((verb === "read" || verb === "readMany") && !how?.consistent) return;
    const name =
      verb === "read" ? (args[0] as string) : (args[0] as { election?: string } | undefined)?.election;
    const rows = leases ?? (name !== undefined && lease ? new Map([[name, lease]]) : undefined);
    for (const [election, row] of rows ?? [])
      if (row.kind === "held" && candidates.has(row.holder))
        this.#shown(election, row.holder, row.term, sentMs);
    const { term, candidateId } = (args[0] ?? {}) as { term?: number; candidateId?: string };
    if (done && verb === "transact" && name !== undefined && term !== undefined && candidateId !== undefined)
      this.#shown(name, candidateId, term, sentMs);
  }

  #shown(name: string, candidateId: string, term: number, sentMs: number): void {
    const tenure = tenureOf(name, { candidateId, term });
    this.#shownMs.set(tenure, Math.max(sentMs, this.#shownMs.get(tenure) ?? sentMs));
  }
}
