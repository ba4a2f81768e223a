import { backoffMs, endOrAbort } from "../async.js";
import { TableUnavailableError } from "../errors.js";
import type { Emit } from "../events.js";
import type { LeaseClient } from "../lease-client.js";
import type { Poll } from "../protocol/announced-end.js";
import type { Lease } from "../protocol/lease.js";
import { type Observation, observe } from "../protocol/observation.js";
import { nextPollMs } from "../protocol/poll-schedule.js";
import {
  bothNamed,
  changedSince,
  nudgedSince,
  nudgesOf,
  readChanges,
  type SessionFate,
  sessionFate,
} from "../protocol/sessions.js";
import type { ResolvedOptions } from "../resolve-options.js";
import { type Followed, Follower, type Following } from "./follower.js";
import { RowReads } from "./row-reads.js";
import { newlyWatched, type WatchedSession } from "./watched-session.js";

/** What is remembered of sessions for which nobody waits now. Forgetting one costs time only. */
const MAX_IDLE = 1_000;

export type SessionRows = Pick<
  LeaseClient,
  "readSession" | "sealSession" | "burySession" | "readMany" | "time"
>;
export type WatchOptions = Pick<
  ResolvedOptions,
  "clock" | "random" | "leaseDurationMs" | "renewIntervalMs" | "useServiceClock"
>;

/**
 * Follows the sessions under which others hold the leases that elections of this process wait for. Each session costs one
 * eventually consistent read per interval, however many elections wait. It seals the dead (rule 14d), buries the missing (14e), and
 * calls the elections whose rows have changed (14g). A session for which nobody waits is not read.
 */
export class SessionWatch implements Followed {
  /** In the order of their last use. */
  readonly #sessions = new Map<string, WatchedSession>();
  /** The lease rows of the elections that it calls. */
  readonly rows: RowReads;
  #failedSinceMs: number | undefined;

  constructor(
    private readonly client: SessionRows,
    private readonly options: WatchOptions,
    private readonly emit: Emit = () => {},
  ) {
    this.rows = new RowReads(client, options.clock);
  }

  /** By the clocks at this call. Undefined: nothing is known of it yet. */
  fateOf(id: string): SessionFate | undefined {
    const observation = this.#sessions.get(id)?.observation;
    if (observation === undefined) return undefined;
    const { useServiceClock } = this.options;
    return sessionFate(observation, this.client.time.now(), this.client.time.service, { useServiceClock });
  }

  /** Its row as it was last seen. */
  rowOf(id: string | undefined): Lease | undefined {
    return id === undefined ? undefined : this.#sessions.get(id)?.observation?.lease;
  }

  /**
   * Follows a session for one election that waits for it, until `stop()`.
   * @param seenMs when a consistent read of the lease row left that showed this session, in monotonic time. Undefined: what was
   * seen may be older.
   */
  follow(id: string, election: string, seenMs?: number): Following {
    const session = this.#of(id);
    const follower = new Follower(id, election, this.options.clock, this);
    const { observation } = session;
    // What changed before the log was first read is not known from it (rule 14g).
    if (observation === undefined) follower.isNew = true;
    else if (seenMs === undefined || seenMs < observation.polledMs) follower.call(undefined);
    session.followers.add(follower);
    if (session.followers.size === 1) this.#schedule(session);
    return follower;
  }

  /** Of `Follower`. */
  waits(follower: Follower): void {
    const session = this.#sessions.get(follower.session);
    if (session) this.#hurry(session, follower);
  }

  /** Of `Follower`. */
  stops(follower: Follower): void {
    const session = this.#sessions.get(follower.session);
    session?.followers.delete(follower);
    if (session === undefined || session.followers.size > 0) return;
    session.cancelTimer();
    this.#forgetSome();
  }

  /**
   * Looks at a session now, for a try that does not wait: consistently, after this call. Then `fateOf` tells.
   * Rejects as verbs do.
   */
  async check(id: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const look = this.#lookAgain(this.#of(id));
    this.#forgetSome();
    await endOrAbort(look, signal);
    signal?.throwIfAborted();
  }

  #of(id: string): WatchedSession {
    const known = this.#sessions.get(id) ?? newlyWatched(id);
    this.#sessions.delete(id);
    this.#sessions.set(id, known);
    return known;
  }

  #forgetSome(): void {
    const idle = [...this.#sessions.values()].filter(({ followers }) => followers.size === 0);
    for (const { id } of idle.slice(0, Math.max(0, idle.length - MAX_IDLE))) this.#sessions.delete(id);
  }

  /** Sets the timer of the next look, if anybody waits and a look can tell anything. */
  #schedule(session: WatchedSession): void {
    if (session.followers.size === 0 || session.looking !== undefined) session.cancelTimer();
    else this.#setTimer(session, this.#nextLook(session));
  }

  /** One of thousands that wait must not ask all the others. */
  #hurry(session: WatchedSession, follower: Follower): void {
    const { observation, due, looking } = session;
    if (observation === undefined || due === undefined || looking !== undefined) return;
    const poll = follower.nextPoll(observation.polledMs);
    if (poll && poll.atMs < due.atMs) this.#setTimer(session, poll);
  }

  #setTimer(session: WatchedSession, due: Poll | undefined): void {
    session.cancelTimer();
    session.due = due;
    if (due === undefined) return;
    const inMs = Math.max(0, due.atMs - this.client.time.now().monotonicMs);
    session.cancelTimer = this.options.clock.setTimer(inMs, () => {
      void this.#look(session, due.consistent).catch(() => {});
    });
  }

  #nextLook({ id, observation, failures, followers }: WatchedSession): Poll | undefined {
    const { random } = this.options;
    const nowMs = this.client.time.now().monotonicMs;
    const usual = (atMs: number): Poll => ({ atMs, consistent: false });
    if (failures > 0) return usual(nowMs + backoffMs(failures, this.options.renewIntervalMs, random));
    const fate = this.fateOf(id);
    if (observation?.lease === undefined || fate === undefined) return usual(nowMs);
    // An end is for ever, and a tombstone has no holder that could renew it.
    if (fate.kind === "ended" || fate.kind === "tombstone") return undefined;
    if (fate.kind !== "alive") return usual(nowMs);
    const atMs = nextPollMs(observation.schedule, observation.lease.renewIntervalMs);
    let next = usual(Math.min(atMs, fate.untilMs));
    for (const follower of followers) {
      const poll = follower.nextPoll(observation.polledMs);
      if (poll && poll.atMs < next.atMs) next = poll;
    }
    return next;
  }

  /** A look that leaves after this call, and is shared with whoever asks before it leaves. */
  #lookAgain(session: WatchedSession): Promise<void> {
    const { looking } = session;
    if (looking === undefined) return this.#look(session, true);
    session.next ??= looking
      .catch(() => {})
      .then(() => {
        session.next = undefined;
        return this.#look(session, true);
      });
    return session.next;
  }

  #look(session: WatchedSession, consistent: boolean): Promise<void> {
    // A timer can be due just when somebody asks.
    if (session.looking !== undefined) return consistent ? this.#lookAgain(session) : session.looking;
    session.cancelTimer();
    session.looking = this.#judge(session, consistent)
      .then(() => this.#succeeded(session))
      .catch((error: unknown) => {
        this.#failed(session, error);
        throw error;
      })
      .finally(() => {
        session.looking = undefined;
        this.#schedule(session);
      });
    return session.looking;
  }

  /** Reads the row, and ends what it shows to be dead. */
  async #judge(session: WatchedSession, consistent: boolean): Promise<void> {
    await this.#read(session, consistent);
    const fate = this.fateOf(session.id);
    if (fate?.kind === "dead") await this.#seal(session, fate.seal);
    if (fate?.kind === "missing") await this.#bury(session);
  }

  async #read(session: WatchedSession, consistent: boolean): Promise<void> {
    const { answer, sent, received } = await this.client.readSession(session.id, consistent);
    const { lease } = answer;
    // An old replica may not have the row yet.
    if (lease === undefined && !consistent) return this.#read(session, true);
    this.#observed(session, lease, received.monotonicMs, consistent, sent.monotonicMs);
    if (session.observation?.needsConsistentRead) await this.#read(session, true);
  }

  /** Refused: somebody has ended it before, or it lives. The row that comes with the refusal tells. */
  async #seal(
    session: WatchedSession,
    seen: { readonly term: number; readonly revision: number },
  ): Promise<void> {
    const { answer, sent, received } = await this.client.sealSession(session.id, seen);
    this.#observed(session, answer.lease, received.monotonicMs, true, sent.monotonicMs);
  }

  async #bury(session: WatchedSession): Promise<void> {
    const { answer, sent, received } = await this.client.burySession(session.id, this.options);
    this.#observed(session, answer.lease, received.monotonicMs, true, sent.monotonicMs);
  }

  #observed(
    session: WatchedSession,
    lease: Lease | undefined,
    receivedMs: number,
    authoritative: boolean,
    sentMs: number,
  ): void {
    const before = session.observation;
    session.observation = observe(before, lease, receivedMs, authoritative, sentMs);
    this.#tellChanges(session, before);
    for (const follower of session.followers) {
      if (follower.isNew) follower.call(undefined);
      follower.isNew = false;
    }
    const fate = this.fateOf(session.id);
    // A session that was closed has given its leases back, so their rows have changed.
    const isClosed = fate?.kind === "ended" && fate.reason !== "expired" && fate.reason !== "crashed";
    if (before?.lease?.kind === session.observation.lease?.kind) return;
    for (const follower of session.followers) {
      if (isClosed) follower.call(undefined);
      follower.wake();
    }
  }

  #tellChanges(session: WatchedSession, before: Observation | undefined): void {
    const row = session.observation?.lease;
    if (row === undefined || row.kind === "placeholder") return;
    const { changes: known } = session;
    const changes = readChanges(row.value);
    session.changes = changes;
    if (before === undefined) return;
    const nudged = nudgedSince(nudgesOf(before.lease).count, nudgesOf(row));
    const names = bothNamed(changedSince(known.count, changes), nudged);
    const sentMs = before.schedule.polledAtMs;
    for (const follower of session.followers) {
      if (names === undefined || names.includes(follower.election)) follower.call(sentMs);
    }
  }

  #succeeded(session: WatchedSession): void {
    const { kind } = this.fateOf(session.id) ?? {};
    // If reads and writes go on to disagree, nothing must run hot.
    session.failures = kind === "dead" || kind === "missing" ? session.failures + 1 : 0;
    if (this.#failedSinceMs === undefined) return;
    const afterMs = this.client.time.now().monotonicMs - this.#failedSinceMs;
    this.#failedSinceMs = undefined;
    this.emit({ type: "recovered", afterMs });
  }

  /** What no retry can fix ends the campaigns that wait for this session, as it does when their own rows are so. */
  #failed(session: WatchedSession, error: unknown): void {
    session.failures += 1;
    if (!(error instanceof TableUnavailableError)) {
      for (const follower of session.followers) follower.fail(error);
      return;
    }
    const nowMs = this.client.time.now().monotonicMs;
    this.#failedSinceMs ??= nowMs;
    this.emit({ type: "unavailable", error, failingForMs: nowMs - this.#failedSinceMs });
  }
}
