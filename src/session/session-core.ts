import { deferred } from "../async.js";
import { Bid } from "../candidate/bid.js";
import { type SessionRows, SessionWatch } from "../candidate/session-watch.js";
import { longestElapsedMs } from "../clock.js";
import { SessionClosedError, TableUnavailableError } from "../errors.js";
import { type ElectionEvent, type Emit, emitter, type ResignOutcome } from "../events.js";
import { lastWillOf } from "../last-will/last-will.js";
import { heartbeatAids } from "../leader/heartbeat-aids.js";
import { StopDeadline } from "../leader/stop-deadline.js";
import { LeaseClient } from "../lease-client.js";
import { trustLeftMs, trustMs } from "../protocol/expiry.js";
import { sessionRowName } from "../protocol/sessions.js";
import { randomPart } from "../random.js";
import { isDoubted } from "../requests/write-result.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { LeaseStore } from "../store/lease-store.js";
import type { TableTime } from "../table-time.js";
import { telemetry } from "../telemetry.js";
import { Gate } from "./gate.js";
import { OpenSession } from "./open-session.js";

/** Requests that are under way at a time. More of them would only wait for one another, in the client. */
const AT_A_TIME = 16;
const LOOKS_AT_A_TIME = 4;

/** Openings in a row: one whose answer contradicts the table's time is not used (rule 14a). */
const OPENINGS = 3;

/** The name under which metrics of all sessions are counted. No election has it. */
const METRICS_NAME = "#session";

/** The sessions of one `Session` object, one after the other, and the bids under them. */
export class SessionCore {
  readonly gate = new Gate(AT_A_TIME);
  /** For looks at what is held: thousands of claims must not keep a lease from its look. */
  readonly #looks = new Gate(LOOKS_AT_A_TIME);
  readonly watch: SessionWatch;
  readonly #reader: LeaseClient;
  #current: OpenSession | undefined;
  #currentClient: LeaseClient | undefined;
  #opening: Promise<OpenSession> | undefined;
  #acquires = 0;
  readonly #bids = new Set<Bid>();
  #cancelIdle = () => {};
  #onQuiet = () => {};
  #closing: Promise<ResignOutcome> | undefined;
  readonly #closed = new AbortController();

  constructor(
    readonly store: LeaseStore,
    readonly options: ResolvedOptions,
    readonly listener: (event: ElectionEvent) => unknown,
  ) {
    const emit = this.#emitterOf("session", options.candidateId);
    this.#reader = new LeaseClient(store, options, emit);
    this.watch = new SessionWatch(this.#rows, options, emit);
    // Misuse is refused by the constructor, as with an election.
    lastWillOf(store, options, emit);
    heartbeatAids(store, options);
  }

  /** Looks at sessions wait for nobody. Reads of lease rows wait for their turn: thousands of elections may be called at once. */
  get #rows(): SessionRows {
    const reader = this.#reader;
    return {
      time: reader.time,
      readSession: (...args) => reader.readSession(...args),
      sealSession: (...args) => reader.sealSession(...args),
      burySession: (...args) => reader.burySession(...args),
      readMany: (...args) => this.gate.run(() => reader.readMany(...args), "look"),
    };
  }

  /** Undefined: none is open now. */
  get current(): OpenSession | undefined {
    return this.#current;
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Aborts when the session is closed. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** The table's time, as this process knows it from all answers to elections under this session. */
  get time(): TableTime {
    return this.#reader.time;
  }

  get msSinceContact(): number | undefined {
    return this.#currentClient?.msSinceContact ?? this.#reader.msSinceContact;
  }

  trustLeftMs(id: string): number {
    return this.#current?.id === id ? this.#current.trustLeftMs() : 0;
  }

  /** The id of the open session. Opens one if there is none. */
  async open(): Promise<string> {
    this.#throwIfClosed();
    this.#use();
    const { current } = this;
    if (current && current.trustLeftMs() > 0) return current.id;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    const { id } = await this.#opening;
    this.#throwIfClosed();
    return id;
  }

  /** What has waited for its turn is not sent any more. */
  unlessClosed<T>(request: () => Promise<T>): Promise<T> {
    this.#throwIfClosed();
    return request();
  }

  /** A request of a bid begins (1) or has ended (-1). */
  acquiring(change: 1 | -1): void {
    this.#acquires += change;
    if (this.#isQuiet) this.#onQuiet();
  }

  /** A bid begins. Its signal aborts with the caller's, and when the session is closed. */
  beginBid(signal: AbortSignal | undefined): Bid {
    this.#throwIfClosed();
    const bid = new Bid(signal);
    this.#bids.add(bid);
    return bid;
  }

  endBid(bid: Bid): void {
    this.#bids.delete(bid);
    this.#changed();
  }

  /** Rule 14j. Never rejects. */
  close(): Promise<ResignOutcome> {
    if (this.#closing !== undefined) return this.#closing;
    this.#closing = Promise.resolve().then(() => this.#close());
    const reason = new SessionClosedError();
    this.#closed.abort(reason);
    // In this step: no work begins after the call.
    for (const bid of [...this.#bids]) bid.abort(reason);
    return this.#closing;
  }

  async #close(): Promise<ResignOutcome> {
    const { clock, stopTimeoutMs } = this.options;
    const deadline = new StopDeadline(clock, stopTimeoutMs);
    deadline.request();
    this.#cancelIdle();
    const first = this.#current;
    for (const { tenure } of [...(first?.holds ?? [])]) tenure?.announce("resigned");
    await deadline.wait(this.#untilQuiet());
    const session = this.#current;
    if (session === undefined) return first === undefined ? "released" : "lost";
    if (session.holds.size === 0 && this.#acquires === 0) return session.giveBack();
    session.letRunOut();
    return "unconfirmed";
  }

  /** Nothing is held, and nobody bids. */
  get #isQuiet(): boolean {
    const held = this.#current?.holds.size ?? 0;
    return this.#bids.size === 0 && held === 0 && this.#acquires === 0 && this.#opening === undefined;
  }

  #untilQuiet(): Promise<void> {
    const { promise, resolve } = deferred<void>();
    this.#onQuiet = resolve;
    this.#opening?.catch(() => {}).finally(() => this.#changed());
    this.#changed();
    return promise;
  }

  #changed(): void {
    if (this.#isQuiet) this.#onQuiet();
    this.#use();
  }

  /**
   * A session that nobody uses for a lease is given back: it costs writes, and keeps the process alive. The next acquire opens
   * another one.
   */
  #use(): void {
    this.#cancelIdle();
    const { current } = this;
    if (current === undefined || current.holds.size > 0 || this.isClosed) return;
    this.#cancelIdle = this.options.clock.setTimer(this.options.leaseDurationMs, () => {
      if (this.#current !== current || current.holds.size > 0) return;
      if (this.#acquires > 0) return this.#use();
      this.#current = undefined;
      void current.giveBack();
    });
  }

  async #open(): Promise<OpenSession> {
    for (let openings = 1; ; openings++) {
      const session = await this.#openAnother();
      if (session) return session;
      if (openings === OPENINGS) throw new TableUnavailableError("open a session");
    }
  }

  /** Rule 14a. Each has an id of its own: one that is refused, or has no answer, is not tried again. */
  async #openAnother(): Promise<OpenSession | undefined> {
    const { label, random } = this.options;
    const id = `${label}-${randomPart(random)}`;
    const options = { ...this.options, name: sessionRowName(id), candidateId: id };
    const emit = this.#emitterOf(options.name, id);
    const client = new LeaseClient(this.store, options, emit, this.time);
    const lastWill = lastWillOf(this.store, options, emit);
    await lastWill?.beforeAcquire({ basis: { term: 0, revision: 0 }, term: 1 });
    // Rule 11f. Leases are taken under it when also a kill would be noticed.
    const [opened] = await Promise.all([client.openSession(), lastWill?.prepare()]).catch((error) => {
      lastWill?.observed(undefined);
      throw error;
    });
    lastWill?.observed(opened.lease);
    if (!opened.succeeded) return undefined;
    const { lease, sent } = opened;
    const now = client.time.now();
    if (isDoubted(opened) || this.isClosed || trustLeftMs(sent, trustMs(options), now) <= 0) {
      const own = { term: lease.term, revision: lease.revision + 1, at: now };
      const resignation = { reason: "resigned", ticksBefore: undefined } as const;
      const resigning = client.resign(own, resignation, options.requestTimeoutMs);
      await resigning.then(
        (resigned) => lastWill?.observed(resigned.lease),
        () => {},
      );
      this.#throwIfClosed();
      return undefined;
    }
    emit({ type: "elected", term: lease.term, tookMs: longestElapsedMs(sent, now) });
    const session: OpenSession = new OpenSession(opened, {
      client,
      options,
      emit,
      gate: this.#looks,
      lastWill,
      heartbeat: heartbeatAids(this.store, options),
      onChange: () => this.#changed(),
      onOver: () => this.#over(session),
    });
    this.#current = session;
    this.#currentClient = client;
    await session.start();
    this.#changed();
    // It may have been lost while its first stand-ins were signed (rule 12a).
    return session.trustLeftMs() > 0 ? session : undefined;
  }

  #over(session: OpenSession): void {
    if (this.#current === session) this.#current = undefined;
    this.#changed();
  }

  #throwIfClosed(): void {
    if (this.isClosed) throw new SessionClosedError();
  }

  #emitterOf(row: string, id: string): Emit {
    return emitter(row, id, [telemetry(METRICS_NAME), this.listener]);
  }
}
