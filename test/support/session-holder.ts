import { randomUUID } from "node:crypto";
import type { Lease } from "../../src/protocol/lease.js";
import {
  NO_CHANGES,
  rowLeaseMs,
  sessionRowName,
  withChange,
  writeChanges,
} from "../../src/protocol/sessions.js";
import type { LeaseStore } from "../../src/store/lease-store.js";

/** A process that holds leases under a session, write by write: a test says when each leaves. */
export class SessionHolder {
  #revision = 1;
  #changes = NO_CHANGES;

  constructor(
    private readonly store: LeaseStore,
    readonly id: string,
    private readonly leaseDurationMs = 3_000,
    private readonly renewIntervalMs = leaseDurationMs / 3,
  ) {}

  /** With a first heartbeat, so that its end proves something (rule 14d). */
  async open(): Promise<void> {
    const { leaseDurationMs, renewIntervalMs } = this;
    await this.store.openSession(
      { ...this.#row, attemptId: "1", leaseDurationMs, renewIntervalMs, expiresAt: undefined, at: undefined },
      NEVER,
    );
    await this.beat();
  }

  /** False: refused. */
  async beat(expiresAt?: number): Promise<boolean> {
    this.#revision += 1;
    const { renewIntervalMs } = this;
    const value = writeChanges(this.#changes);
    const { done } = await this.store.renew(
      { ...this.#row, term: 1, revision: this.#revision, renewIntervalMs, value, expiresAt, at: undefined },
      NEVER,
    );
    return done;
  }

  /** The next heartbeats name this election. */
  log(election: string): void {
    this.#changes = withChange(this.#changes, election);
  }

  /** Takes a lease under this session, on whatever row there is. */
  async take(election: string, candidateId = `c-${this.id}`): Promise<Lease> {
    const { answer } = await this.#seen(election);
    const lease = answer ?? (await this.#placeholder(election));
    const durationMs = rowLeaseMs({ leaseDurationMs: this.leaseDurationMs });
    const written = await this.store.acquire(
      {
        election,
        candidateId,
        // It is also the token of a founding.
        attemptId: randomUUID(),
        basis: {
          term: lease.term,
          revision: lease.revision,
          ...(lease.kind === "placeholder" && { founding: { highestTerm: 0 } }),
        },
        term: lease.term + 1,
        leaseDurationMs: durationMs,
        renewIntervalMs: durationMs / 2,
        value: undefined,
        expiresAt: undefined,
        at: undefined,
        session: this.id,
      },
      NEVER,
    );
    if (!written.done) throw new Error(`not taken: ${election}`);
    return written.lease;
  }

  /** Plans the end of a lease, and logs that. */
  async announce(election: string, inMs: number, candidateId = `c-${this.id}`): Promise<void> {
    const { answer } = await this.#seen(election);
    if (answer === undefined) throw new Error(`nothing to announce: ${election}`);
    const { term, revision, renewIntervalMs } = answer;
    const row = { election, candidateId, term, renewIntervalMs, value: undefined, expiresAt: undefined };
    await this.store.renew({ ...row, revision: revision + 1, at: undefined, announcement: { inMs } }, NEVER);
    this.log(election);
  }

  /** Gives a lease back, and logs that. Others hear of it with the next heartbeat. */
  async release(election: string, candidateId = `c-${this.id}`): Promise<void> {
    const { answer } = await this.#seen(election);
    if (answer === undefined) throw new Error(`nothing to release: ${election}`);
    const { term, revision } = answer;
    await this.store.resign(
      { election, candidateId, term, revision: revision + 1, reason: "resigned", at: undefined },
      NEVER,
    );
    this.log(election);
  }

  async close(): Promise<void> {
    this.#revision += 1;
    await this.store.resign(
      { ...this.#row, term: 1, revision: this.#revision, reason: "resigned", at: undefined },
      NEVER,
    );
  }

  /** Its last will. */
  async die(): Promise<void> {
    await this.store.crash({ ...this.#row, term: 1 }, NEVER);
  }

  async #seen(election: string) {
    return { answer: (await this.store.read(election, { consistent: true }, NEVER)).lease };
  }

  async #placeholder(election: string): Promise<Lease> {
    const { leaseDurationMs, renewIntervalMs } = this;
    const revision = 1_000;
    const made = await this.store.createPlaceholder(
      { election, revision, leaseDurationMs, renewIntervalMs },
      NEVER,
    );
    return made.lease as Lease;
  }

  get #row() {
    return { election: sessionRowName(this.id), candidateId: this.id };
  }
}

const NEVER = new AbortController().signal;
