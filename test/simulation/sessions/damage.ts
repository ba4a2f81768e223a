import { endedTerm, type Lease } from "../../../src/protocol/lease.js";
import { isSessionRow } from "../../../src/protocol/sessions.js";
import type { Offer } from "./restores.js";
import type { Scene } from "./scene.js";

export const RESTORES = [
  "restoreLease",
  "restoreLease",
  "restoreHistory",
  "restoreSession",
  "restoreAll",
] as const;

/** What operators and the table itself do to rows: they delete them, and put older ones back. */
export class Damage {
  constructor(private readonly scene: Scene) {}

  /** A session's row has ended. Perhaps the table's TTL deletes it before others have seen the end. */
  sessionEnded(): void {
    const { plan, isCalm, random, world } = this.scene;
    if (plan.meddled && !isCalm && random.chance(0.3))
      world.after(random.between(0, 3_000), () => this.sweep());
  }

  /** A lease row is deleted by hand. */
  async deleteLease(name: string): Promise<void> {
    const row = this.scene.referee.known.rowOf(name);
    if (row === undefined || row.kind === "placeholder") return;
    const { history } = await this.scene.table.readHistory(name);
    // A deletion is harmless once history has the term.
    if (history.highestTerm !== endedTerm(row) || this.scene.referee.known.rowOf(name) !== row) return;
    this.scene.network.count("deleted");
    this.scene.table.deleteLease(name);
    this.scene.replicas.wrote(name, undefined);
    this.scene.referee.deleted(name, this.scene.world.nowMs);
    this.scene.say(`${name} is deleted`);
  }

  /** The table's TTL, at any moment after the end. */
  sweep(): void {
    for (const row of this.scene.referee.known.endedSessions) {
      if (this.scene.random.chance(0.5)) continue;
      this.scene.network.count("swept");
      this.scene.table.deleteLease(row);
      this.scene.replicas.wrote(row, undefined);
      this.scene.referee.swept(row, this.scene.world.nowMs);
      this.scene.say(`${row} is swept`);
    }
  }

  /** By hand, while it lives (rule 14e). */
  deleteSession(): void {
    const living = this.scene.referee.known.livingSessions.filter((row) =>
      this.scene.restores.mayBeDeleted(row),
    );
    if (living.length > 0) this.#loseSession(this.scene.random.pick(living));
  }

  #loseSession(row: string): void {
    this.scene.network.count("sessionLost");
    this.scene.network.forgetCopies();
    this.scene.table.deleteLease(row);
    this.scene.replicas.wrote(row, undefined);
    this.scene.referee.deleted(row, this.scene.world.nowMs);
    this.scene.say(`${row} is deleted`);
  }

  /** Rows of an older moment come back: a lease row, the history of an election, the row of a session, or all of them. */
  async restore(kind: (typeof RESTORES)[number], name: string): Promise<void> {
    const asOfMs = kind === "restoreAll" ? this.scene.restores.aMoment() : undefined;
    const sessions = this.scene.referee.known.sessionRows;
    const leases = kind === "restoreAll" ? this.scene.plan.names.map((each) => each.name) : [name];
    const names = {
      restoreLease: leases,
      restoreHistory: [],
      restoreSession: sessions,
      restoreAll: [...leases, ...sessions],
    };
    const offers = this.scene.restores.offers(
      names[kind],
      (each) => this.scene.referee.known.standing(each),
      this.scene.memories,
      asOfMs,
    );
    const chosen = kind === "restoreSession" && offers.length > 0 ? [this.scene.random.pick(offers)] : offers;
    for (const offer of chosen) this.#putBack(offer, kind === "restoreAll" || this.scene.random.chance(0.3));
    if (kind === "restoreHistory")
      void this.#putBackHistory(
        name,
        this.scene.random.integer(0, this.scene.referee.known.rowOf(name)?.term ?? 0),
      );
    if (asOfMs === undefined || chosen.length === 0) return;
    for (const row of this.scene.referee.known.livingSessions)
      if (this.scene.restores.isYounger(row, asOfMs) && this.scene.restores.mayBeDeleted(row))
        this.#loseSession(row);
  }

  /** An older row of the same term, under a living session, whose holder knows a later one. Nobody can be misled by it. */
  restoreWithinTerm(name: string): void {
    const row = this.scene.referee.known.standing(name);
    const offer = row && this.scene.restores.withinTerm(name, row);
    if (offer) this.#putBack(offer, false);
  }

  #putBack(offer: Offer, withHistory: boolean): void {
    const { name, older, row } = offer;
    this.scene.network.count(isSessionRow(name) ? "sessionPutBack" : "putBack");
    this.scene.network.forgetCopies();
    this.scene.table.restore(name, older);
    this.scene.replicas.wrote(name, older);
    this.scene.restores.restored(offer);
    this.scene.referee.restored(name, older, row, this.scene.world.nowMs);
    // If its holder renews at once, nobody sees what was put back.
    if (isSessionRow(name) && this.scene.random.chance(0.7)) this.#cutOff(row);
    this.scene.say(
      `${name} is put back: term ${row.term}/${row.revision} becomes ${older.term}/${older.revision}`,
    );
    if (withHistory && !isSessionRow(name)) void this.#putBackHistory(name, older.term);
  }

  #cutOff(row: Lease): void {
    const label = row.kind === "held" ? row.holder.slice(0, row.holder.lastIndexOf("-")) : undefined;
    const holder = label === undefined ? undefined : this.scene.processes.get(label);
    const forMs = Math.min(
      this.scene.stormLeftMs,
      this.scene.random.between(0.3, 1.2) * this.scene.plan.leaseDurationMs,
    );
    if (holder) this.scene.network.cut(holder.host, "requests", forMs);
  }

  /** As it was then: the newest term carries no `ttl`, and no end. */
  async #putBackHistory(name: string, upToTerm: number): Promise<void> {
    const { lease: row } = await this.scene.table.read(name);
    if (row === undefined || row.kind === "placeholder") return;
    const terms = this.scene.table.terms(name);
    const kept = terms.filter(({ term }) => term <= upToTerm);
    if (kept.length === terms.length) return;
    this.scene.network.count("historyPutBack");
    const last = kept.at(-1)?.term;
    const asThen = kept.map(({ ttl, endReason, endedAt, ...record }) =>
      record.term === last ? record : { ...record, ttl, endReason, endedAt },
    );
    this.scene.table.restore(name, row, asThen);
    this.scene.say(`the history of ${name} is put back to term ${last}`);
  }
}
