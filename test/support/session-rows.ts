import { randomUUID } from "node:crypto";
import { placeholderRevision } from "../../src/protocol/lease.js";
import {
  NO_CHANGES,
  rowLeaseMs,
  sessionRowName,
  withChange,
  writeChanges,
} from "../../src/protocol/sessions.js";
import type { LeaseStore } from "../../src/store/lease-store.js";

/** A session and the leases under it, as their holder writes them, request by request. For tests of those who only look. */
export class SessionRows {
  #revision = 1;
  #changes = NO_CHANGES;
  readonly #signal = new AbortController().signal;

  /** @param atMs the table's time */
  constructor(
    private readonly store: LeaseStore,
    readonly id: string,
    private readonly atMs: () => number,
    readonly leaseDurationMs = 3_000,
  ) {}

  async open(): Promise<void> {
    const { leaseDurationMs } = this;
    const times = { leaseDurationMs, renewIntervalMs: leaseDurationMs / 3 };
    await this.store.openSession(
      { ...this.#mine, attemptId: randomUUID(), ...times, ...this.#times },
      this.#signal,
    );
  }

  /** A heartbeat. `changed`: the election whose row the holder has written. */
  async renew(changed?: string): Promise<void> {
    if (changed !== undefined) this.#changes = withChange(this.#changes, changed);
    this.#revision += 1;
    const tried = {
      revision: this.#revision,
      renewIntervalMs: this.leaseDurationMs / 3,
      value: writeChanges(this.#changes),
    };
    await this.store.renew({ ...this.#mine, term: 1, ...tried, ...this.#times }, this.#signal);
  }

  /** Takes a lease that nobody holds: the first one of this name, or the next. */
  async acquire(election: string, candidateId: string): Promise<number> {
    const before = (await this.store.read(election, { consistent: true }, this.#signal)).lease;
    const { leaseDurationMs } = this;
    const row = { leaseDurationMs: rowLeaseMs({ leaseDurationMs }), renewIntervalMs: 8 * leaseDurationMs };
    const revision = placeholderRevision(Math.random);
    if (!before) await this.store.createPlaceholder({ election, revision, ...row }, this.#signal);
    const basis = before
      ? { term: before.term, revision: before.revision, previousTerm: before.term }
      : { term: 0, revision, founding: { highestTerm: 0 } };
    const term = basis.term + 1;
    const written = await this.store.acquire(
      {
        election,
        candidateId,
        attemptId: randomUUID(),
        basis,
        term,
        ...row,
        value: undefined,
        session: this.id,
        ...this.#at,
        expiresAt: undefined,
      },
      this.#signal,
    );
    if (!written.done) throw new Error("refused");
    await this.store.recordTerm(
      election,
      { term, holder: candidateId, leaseDurationMs: row.leaseDurationMs, electedAt: this.atMs() },
      this.#signal,
    );
    return term;
  }

  async resign(election: string, candidateId: string, term: number): Promise<void> {
    await this.store.resign(
      { election, candidateId, term, revision: 100, reason: "resigned", ...this.#at },
      this.#signal,
    );
  }

  /** The last will of its process. */
  async crash(): Promise<void> {
    await this.store.crash({ ...this.#mine, term: 1 }, this.#signal);
  }

  /** Somebody else found it dead. */
  async seal(): Promise<void> {
    const seen = { term: 1, revision: this.#revision };
    await this.store.sealSession({ election: this.#row, seen, ...this.#at, ttl: undefined }, this.#signal);
  }

  async close(): Promise<void> {
    await this.store.resign(
      { ...this.#mine, term: 1, revision: this.#revision + 1, reason: "resigned", ...this.#at },
      this.#signal,
    );
  }

  async nudge(name: string): Promise<void> {
    await this.store.nudgeSession({ election: this.#row, name }, this.#signal);
  }

  get #row(): string {
    return sessionRowName(this.id);
  }

  get #mine() {
    return { election: this.#row, candidateId: this.id };
  }

  get #at() {
    return { at: this.atMs(), atErrorMs: 500 };
  }

  get #times() {
    return {
      ...this.#at,
      expiresAt: this.atMs() + this.leaseDurationMs,
      ttl: Math.ceil(this.atMs() / 1_000) + 604_800,
    };
  }
}
