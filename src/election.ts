import { checkCall, checkReserveFor, checkWork } from "./arguments.js";
import { Bid } from "./candidate/bid.js";
import { defaultLabel } from "./candidate/default-label.js";
import { AlreadyCampaigningError, InvalidOptionError } from "./errors.js";
import { emitter } from "./events.js";
import { lastWillOf } from "./last-will/last-will.js";
import { type Leading, NotBegun } from "./leader/begin.js";
import { heartbeatAids } from "./leader/heartbeat-aids.js";
import { lead } from "./leader/lead.js";
import type { Leadership } from "./leader/leadership.js";
import { Leaderships } from "./leader/leaderships.js";
import { reservationForGroup } from "./leader/reservations.js";
import { runTick, type TickRun } from "./leader/run-tick.js";
import type { Work } from "./leader/run-work.js";
import { refuseUnawaited } from "./leader/unawaited.js";
import { LeaseClient } from "./lease-client.js";
import { CALLS } from "./option-names.js";
import type {
  AloneOptions,
  ElectionOptions,
  HistoryOptions,
  LeadOptions,
  RunOnceOptions,
  RunOnceResult,
  Signalled,
  TryLeadOptions,
  TryLeadResult,
} from "./options.js";
import type { Leader } from "./protocol/leader.js";
import type { LeaderChange } from "./protocol/leader-change.js";
import { type Role, roleOf } from "./protocol/role.js";
import { normalTick, type Tick } from "./protocol/tick-form.js";
import { resolveOptions } from "./resolve-options.js";
import { placeUnder } from "./session/place.js";
import type { Seat } from "./session/seat.js";
import { warnOfSilence } from "./silence.js";
import { storeOf } from "./store/open-store.js";
import { telemetry } from "./telemetry.js";
import { HistoryView, type ListedCandidate, type PastLeader } from "./views/history.js";
import { Liveness } from "./views/liveness.js";
import { Observer } from "./views/observer.js";

/**
 * One candidate of one election. Each object is a candidate of its own: no other object or process shares its id.
 */
export class Election {
  readonly #leading: Leading;
  readonly #leaderships: Leaderships;
  /** Undefined: its lease has its own heartbeat. */
  readonly #seat: Seat | undefined;
  /** Made at the first question. */
  #liveness: Liveness | undefined;
  #campaigning = false;

  /**
   * Sends nothing. All durations are in milliseconds.
   * @throws InvalidOptionError: an option cannot work. The error names the option, the rule and a value that works.
   * @example
   * const client = new DynamoDBClient({});
   * const election = new Election({ client, tableName: "incumbent", name: "billing/nightly" });
   */
  constructor(options: ElectionOptions) {
    const place = options?.session === undefined ? undefined : placeUnder(options);
    const resolved = place?.options ?? resolveOptions(options, defaultLabel);
    const { name, candidateId } = resolved;
    const listener = options.onEvent ?? place?.listener ?? warnOfSilence();
    const emit = emitter(name, candidateId, [telemetry(name), listener]);
    const store = place?.store ?? storeOf(options as AloneOptions);
    const client = new LeaseClient(store, resolved, emit, place?.time);
    this.#seat = place?.seat(client);
    this.#leading = {
      client,
      options: resolved,
      emit,
      under: this.#seat,
      tickWill: place?.tickWill(emit),
      lastWill: place ? undefined : lastWillOf(store, resolved, emit),
      heartbeat: place ? undefined : heartbeatAids(store, resolved),
    };
    this.#leaderships = new Leaderships(this.#leading);
  }

  /** The election's name. */
  get name(): string {
    return this.#leading.options.name;
  }

  /** This candidate's id: its `label` and a random part. It is unique, and new for each object. */
  get candidateId(): string {
    return this.#leading.options.candidateId;
  }

  /**
   * The role of this candidate now, for readiness endpoints and logs. It sends no request.
   *
   * - `leader`: it trusts its lease, by the clocks at this call.
   * - `standby`: it is the first in line, by the row that it saw last.
   * - `waiting`: it campaigns, and is not the first in line.
   * - `observer`: it campaigns, and is not eligible.
   * - `idle`: it does not campaign.
   * @example
   * server.get("/ready", (_, res) => res.json({ role: election.role }));
   */
  get role(): Role | "idle" {
    if (this.#leaderships.tenure?.mayWork) return "leader";
    if (!this.#campaigning) return "idle";
    // The row may still name this candidate for a lease that it has lost.
    const role = roleOf(this.#leaderships.campaign.lease, this.candidateId, this.#leading.options.eligible);
    return role === "leader" ? "waiting" : role;
  }

  /**
   * Milliseconds since the table last answered this candidate, by the clock that shows more; undefined before the first
   * answer. A candidate that campaigns or leads gets an answer about once per `renewIntervalMs`.
   */
  get msSinceContact(): number | undefined {
    const { msSinceContact = Number.POSITIVE_INFINITY } = this.#leading.client;
    const ms = Math.min(msSinceContact, this.#seat?.msSinceContact ?? Number.POSITIVE_INFINITY);
    return ms === Number.POSITIVE_INFINITY ? undefined : ms;
  }

  /**
   * Tells whether this process blocks the election, for liveness endpoints. It is true when the lease row names this
   * candidate and has not changed for a whole lease, by this process's own clock. Then the process does not renew, and a
   * restart helps. A candidate that does not lead is never wedged. Each call costs one consistent read: call it at least
   * twice per lease.
   * @throws InvalidOptionError: an option cannot work.
   * @throws TableUnavailableError, TableError, MalformedLeaseError, SchemaVersionError: the row could not be read. A
   * restart does not help.
   * @throws the signal's reason, when it aborts first.
   * @example
   * server.get("/live", async (_, res) => res.sendStatus((await election.isWedged()) ? 503 : 200));
   */
  async isWedged(options: Signalled = {}): Promise<boolean> {
    checkCall(options, CALLS.signalled);
    this.#liveness ??= new Liveness(this.#leading.client, this.#leading.options);
    return this.#liveness.isWedged(options.signal);
  }

  /**
   * Campaigns, and runs `work` while this candidate leads. When a leadership ends (it was lost, or somebody asked for
   * its end), waits for `work` to stop and campaigns again, under a new term. It waits while the table does not answer.
   *
   * Two things end it: `work` returns or throws by itself, or `signal` aborts. It then gives the lease back. With
   * `onWorkError: "retry"` an error of `work` does not end it: this candidate lets the others go first, and campaigns
   * again.
   *
   * When `signal` aborts, a leader first announces its end and works on until the followers have polled once (about one
   * `renewIntervalMs`). So the next leader starts within milliseconds. `announce: false` stops the work at once.
   * @param work must stop when `leadership.signal` aborts, within `stopTimeoutMs`.
   * @returns what `work` returned; undefined when `signal` aborted before it returned anything.
   * @throws InvalidOptionError: `work` or an option cannot work.
   * @throws AlreadyCampaigningError: this object campaigns or leads already.
   * @throws TableError, MalformedLeaseError, SchemaVersionError: the table, or a row in it, cannot be used as it is.
   * @throws WorkNotStoppedError: `work` did not stop within `stopTimeoutMs` of the end, or that of an earlier call still runs.
   * @throws InternalError: a bug of this library ended a leadership. Please report it.
   * @throws what `work` throws, unless the error only says that the leadership has ended, or `onWorkError` is `"retry"`.
   * @example
   * process.once("SIGTERM", () => stop.abort());
   * await election.lead(async (leadership) => runJobs(leadership.signal), { signal: stop.signal });
   */
  async lead<T>(work: Work<T>, options: LeadOptions = {}): Promise<T | undefined> {
    checkWork(work);
    checkCall(options, CALLS.lead);
    return this.#exclusively(options.signal, (bid) => lead(this.#leaderships, work, options, bid));
  }

  /**
   * Waits until this candidate is elected, also while the table does not answer. The caller gives the leadership back:
   * with `await using`, or with `resign()` when the work has stopped.
   * @returns a promise of the leadership. Await it: the promise itself is no leadership, and says so when it is used as one.
   * @throws InvalidOptionError: an option cannot work.
   * @throws AlreadyCampaigningError: this object campaigns or leads already.
   * @throws WorkNotStoppedError: the work of an earlier call still runs, though it had to stop.
   * @throws TableError, MalformedLeaseError, SchemaVersionError: the table, or a row in it, cannot be used as it is.
   * @throws the signal's reason, when it aborts first.
   * @example
   * await using leadership = await election.campaign({ signal: AbortSignal.timeout(60_000) });
   * await runJobs(leadership.signal);
   */
  campaign(options: Signalled = {}): Promise<Leadership> {
    return refuseUnawaited("campaign", this.#waitUntilElected(options));
  }

  async #waitUntilElected(options: Signalled): Promise<Leadership> {
    checkCall(options, CALLS.signalled);
    const { campaign, registration } = this.#leaderships;
    return this.#exclusively(options.signal, async (bid) => {
      registration.join();
      try {
        for (;;) {
          const won = await campaign.run({ signal: bid.signal });
          const begun = await this.#leaderships.begin(won, bid, () => registration.leave());
          if (!(begun instanceof NotBegun)) return begun.leadership;
          await registration.leave();
          registration.join();
        }
      } catch (error) {
        await registration.leave();
        throw error;
      }
    });
  }

  /**
   * Tries once, without waiting. This object remembers what earlier tries saw, so tries that are minutes apart replace
   * a dead leader too.
   * @returns a promise, as `campaign()` does. It is undefined when this candidate is not elected: another one leads, the lease is reserved, the election is
   * paused, or `healthy` does not return true.
   * @throws InvalidOptionError: an option cannot work.
   * @throws AlreadyCampaigningError: this object campaigns or leads already.
   * @throws WorkNotStoppedError: the work of an earlier call still runs, though it had to stop.
   * @throws TableUnavailableError: the table did not answer, or was too busy.
   * @throws TableError, MalformedLeaseError, SchemaVersionError: the table, or a row in it, cannot be used as it is.
   * @throws the signal's reason, when it aborts first.
   * @example
   * await using leadership = await election.tryCampaign();
   * if (leadership) await runJobs(leadership.signal);
   */
  tryCampaign(options: Signalled = {}): Promise<Leadership | undefined> {
    return refuseUnawaited("tryCampaign", this.#tryToBeElected(options));
  }

  async #tryToBeElected(options: Signalled): Promise<Leadership | undefined> {
    checkCall(options, CALLS.signalled);
    return this.#exclusively(options.signal, async (bid) => {
      const outcome = await this.#leaderships.campaign.tryOnce({ signal: bid.signal });
      if (outcome.kind !== "elected") return undefined;
      const begun = await this.#leaderships.begin(outcome, bid);
      return begun instanceof NotBegun ? undefined : begun.leadership;
    });
  }

  /**
   * Runs `work` once per tick, by one candidate. It does not run when some candidate has completed this tick. When a later
   * tick has completed, it runs with `ticks: "every"` only. When `work` throws, or loses its lease, the tick stays open for
   * the next try.
   *
   * `wait: true` waits while another candidate runs the tick, and takes over if that one dies. `reserveForMs` reserves
   * the lease for the own `group` after a completed run: so a job can stay in one Region as long as it succeeds there.
   * @param tick names the run: a `Date`, an ISO time with its zone, a whole number, or another string of 1 to 100
   * characters. Ticks must sort in order of time.
   * @param work must stop when `leadership.signal` aborts. What it returns counts as done.
   * @throws InvalidOptionError: an argument or option cannot work, or the tick sorts before the last completed one because
   * it is written in another way.
   * @throws AlreadyCampaigningError: this object campaigns or leads already.
   * @throws WorkNotStoppedError: `work` did not stop within `stopTimeoutMs` of the end, or that of an earlier call still runs.
   * @throws LeaseLostError: `work` returned, but the lease was lost before the tick was recorded as done.
   * @throws TableUnavailableError: the table did not answer or was too busy (with `wait`: only when `work` returned and the tick could
   * not be recorded as done).
   * @throws TableError, MalformedLeaseError, SchemaVersionError: the table, or a row in it, cannot be used as it is.
   * @throws what `work` throws, and the signal's reason when it aborts before `work` begins.
   * @example
   * const run = await election.runOnce("2026-01-31T03:00:00Z", async ({ signal }) => sendInvoices(signal));
   * if (!run.ran) console.log(run.because, run.lastTick);
   */
  async runOnce<T>(tick: Tick, work: Work<T>, options: RunOnceOptions = {}): Promise<RunOnceResult<T>> {
    const normal = normalTick(tick);
    checkWork(work);
    checkCall(options, CALLS.runOnce);
    const { wait = false, ticks: mode = "latest", reserveForMs } = options;
    checkReserveFor(reserveForMs);
    const run: TickRun = { tick: normal, given: tick, mode, wait, reserveForMs };
    return this.#exclusively(options.signal, (bid) => runTick(this.#leaderships, run, work, bid));
  }

  /**
   * Tries once, as `tryCampaign()` does. If this candidate is elected, runs `work` to its end and gives the lease back.
   * When `signal` aborts meanwhile, `leadership.signal` aborts, and the lease is kept while the work stops.
   * @param work must stop when `leadership.signal` aborts, within `stopTimeoutMs`.
   * @throws InvalidOptionError: `work` or an option cannot work.
   * @throws AlreadyCampaigningError: this object campaigns or leads already.
   * @throws WorkNotStoppedError: `work` did not stop within `stopTimeoutMs` of the end, or that of an earlier call still runs.
   * @throws TableUnavailableError: the table did not answer, or was too busy.
   * @throws TableError, MalformedLeaseError, SchemaVersionError: the table, or a row in it, cannot be used as it is.
   * @throws what `work` throws, and the signal's reason when it aborts before `work` begins.
   * @example
   * const tried = await election.tryLead(async ({ signal }) => sendInvoices(signal));
   * if (!tried.ran) console.log("the leader is", tried.leader?.candidateId);
   */
  async tryLead<T>(work: Work<T>, options: TryLeadOptions = {}): Promise<TryLeadResult<T>> {
    checkWork(work);
    checkCall(options, CALLS.tryLead);
    const { reserveForMs } = options;
    checkReserveFor(reserveForMs);
    return this.#exclusively(options.signal, async (bid) => {
      const outcome = await this.#leaderships.campaign.tryOnce({ signal: bid.signal });
      const tried = await this.#leaderships.runIfElected(outcome, work, bid, async (tenure) => {
        await tenure.release("resigned", {
          reserve: reservationForGroup(reserveForMs, this.#leading.options),
        });
      });
      return tried instanceof NotBegun ? { ran: false, because: "held", leader: undefined } : tried;
    });
  }

  /**
   * Reads the leader, with one consistent read.
   * @returns undefined when nobody holds the lease, or when it has surely run out.
   * @throws InvalidOptionError: an option cannot work.
   * @throws TableUnavailableError, TableError, MalformedLeaseError, SchemaVersionError: the row could not be read.
   * @throws the signal's reason, when it aborts first.
   * @example
   * const leader = await election.leader();
   * if (leader?.value) await fetch(leader.value);
   */
  async leader(options: Signalled = {}): Promise<Leader | undefined> {
    checkCall(options, CALLS.signalled);
    return new Observer(this.#leading.client, this.#leading.options).leader(options.signal);
  }

  /**
   * Follows the election without competing. Yields the leader at once (undefined: nobody leads), and again at each
   * change, until `signal` aborts. `ended` says which term ended with the change, and why. Leaders that were missed
   * between two reads are yielded too, in order. It waits while the table does not answer. It costs one read per renewal
   * of the leader, one more when a lease has run out, and one query of the history when leaders were missed.
   * @throws InvalidOptionError: an option cannot work.
   * @throws TableError, MalformedLeaseError, SchemaVersionError: the table, or a row in it, cannot be used as it is.
   * All errors are thrown by the loop, not by the call.
   * @example
   * for await (const { leader, ended } of election.observe({ signal })) {
   *   if (ended) console.log(`term ${ended.term} ended: ${ended.reason}`);
   *   console.log(leader ? `${leader.candidateId} leads` : "nobody leads");
   * }
   */
  async *observe(options: Signalled = {}): AsyncIterableIterator<LeaderChange> {
    checkCall(options, CALLS.signalled);
    yield* new Observer(this.#leading.client, this.#leading.options).follow(options.signal);
  }

  /**
   * Lists the candidates that campaign or lead, in order of arrival. A candidate is listed when its `succession` keeps a
   * line, or when it is not eligible. A dead candidate stays in the list until its row has run out.
   * @throws InvalidOptionError: an option cannot work.
   * @throws TableUnavailableError, TableError, MalformedLeaseError, SchemaVersionError: the rows could not be read.
   * @throws the signal's reason, when it aborts first.
   * @example
   * const candidates = await election.candidates();
   * const standby = candidates.find(({ role }) => role === "standby");
   */
  async candidates(options: Signalled = {}): Promise<ListedCandidate[]> {
    checkCall(options, CALLS.signalled);
    return new HistoryView(this.#leading.client).candidates(options.signal);
  }

  /**
   * Lists past leaders, latest first, also those that crashed: when each led, and why it ended. Leaders write it beside
   * their work, so a row can be missing after an outage. Rows stay for `tuning.historyRetentionMs`.
   * @throws InvalidOptionError: an option cannot work.
   * @throws TableUnavailableError, TableError, MalformedLeaseError, SchemaVersionError: the rows could not be read.
   * @throws the signal's reason, when it aborts first.
   * @example
   * const terms = await election.history({ limit: 10 });
   * for (const { term, candidateId, endReason } of terms) console.log(term, candidateId, endReason);
   */
  async history(options: HistoryOptions = {}): Promise<PastLeader[]> {
    checkCall(options, CALLS.history);
    const { limit = 100, signal } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
      throw new InvalidOptionError("limit", "must be a whole number from 1 to 10000", limit, 100);
    }
    return new HistoryView(this.#leading.client).history(limit, signal);
  }

  /** Two bids of one candidate would take its own lease away from it. Closing the session ends a bid as the caller does. */
  async #exclusively<T>(signal: AbortSignal | undefined, make: (bid: Bid) => Promise<T>): Promise<T> {
    this.#checkFree();
    const bid = this.#seat?.beginBid(signal) ?? new Bid(signal);
    this.#campaigning = true;
    try {
      return await make(bid);
    } finally {
      bid.end();
      this.#seat?.endBid(bid);
      this.#campaigning = false;
    }
  }

  #checkFree(): void {
    const { notStopped, tenure } = this.#leaderships;
    if (notStopped) throw notStopped;
    if (this.#campaigning || tenure?.isOver === false) throw new AlreadyCampaigningError(this.name);
  }
}
