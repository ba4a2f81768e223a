import { checkCall, checkReserveFor, checkWork } from "./arguments.js";
import { backoffMs, endOrAbort, sleep } from "./async.js";
import type { Won } from "./candidate/acquire.js";
import { Bid } from "./candidate/bid.js";
import {
  Campaign,
  type NotElected,
  type Settled,
  type TickBid,
  type Unhealthy,
} from "./candidate/campaign.js";
import { defaultLabel } from "./candidate/default-label.js";
import { Registration } from "./candidate/registration.js";
import { longestElapsedMs } from "./clock.js";
import {
  AlreadyCampaigningError,
  type EndReason,
  InternalError,
  InvalidOptionError,
  TableUnavailableError,
  WorkNotStoppedError,
} from "./errors.js";
import { type Emit, emitter } from "./events.js";
import { type LastWill, lastWillOf } from "./last-will/last-will.js";
import { type HeartbeatAids, heartbeatAids } from "./leader/heartbeat-aids.js";
import { IdleDeletion } from "./leader/idle-deletion.js";
import { Leadership } from "./leader/leadership.js";
import { reservationForGroup } from "./leader/reservations.js";
import {
  LET_OTHERS_GO_FIRST,
  type Served,
  type Serving,
  serve,
  settle,
  type Work,
} from "./leader/run-work.js";
import { mayBeFounded, untilStillHeld } from "./leader/still-held.js";
import { Succession } from "./leader/succession.js";
import { Tenure } from "./leader/tenure.js";
import { recordTick, TermHistory } from "./leader/term-history.js";
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
import { type Leader, leaderOf } from "./protocol/leader.js";
import type { LeaderChange } from "./protocol/leader-change.js";
import type { Lease } from "./protocol/lease.js";
import { type Role, roleOf } from "./protocol/role.js";
import { misplacedTick, normalTick, type Tick } from "./protocol/tick-form.js";
import { becauseOf, verdictOn } from "./protocol/ticks.js";
import { type ResolvedOptions, resolveOptions } from "./resolve-options.js";
import { placeUnder } from "./session/place.js";
import type { Seat } from "./session/seat.js";
import type { TickWill } from "./session/tick-will.js";
import { warnOfSilence } from "./silence.js";
import { storeOf } from "./store/open-store.js";
import { telemetry } from "./telemetry.js";
import { HistoryView, type ListedCandidate, type PastLeader } from "./views/history.js";
import { Liveness } from "./views/liveness.js";
import { Observer } from "./views/observer.js";

async function nothing(): Promise<void> {}

/** The longest wait after work that failed. */
const MAX_WORK_BACKOFF_MS = 60_000;

/** A leadership that begins now. */
interface Begun {
  readonly leadership: Leadership;
  readonly tenure: Tenure;
}

/** The lease was lost before anything began, for this reason. */
class NotBegun {
  constructor(readonly ended: EndReason | undefined) {}
}

/**
 * One candidate of one election. Each object is a candidate of its own: no other object or process shares its id.
 */
export class Election {
  readonly #options: ResolvedOptions;
  readonly #client: LeaseClient;
  readonly #lastWill: LastWill | undefined;
  readonly #tickWill: TickWill | undefined;
  readonly #heartbeat: HeartbeatAids | undefined;
  /** Undefined: its lease has its own heartbeat. */
  readonly #seat: Seat | undefined;
  readonly #campaign: Campaign;
  readonly #registration: Registration;
  readonly #emit: Emit;
  /** Made at the first question. */
  #liveness: Liveness | undefined;
  #campaigning = false;
  #tenure: Tenure | undefined;
  /** While work runs that did not stop in time. */
  #notStopped: WorkNotStoppedError | undefined;

  /**
   * Sends nothing. All durations are in milliseconds.
   * @throws InvalidOptionError: an option cannot work. The error names the option, the rule and a value that works.
   * @example
   * const client = new DynamoDBClient({});
   * const election = new Election({ client, tableName: "incumbent", name: "billing/nightly" });
   */
  constructor(options: ElectionOptions) {
    const place = options?.session === undefined ? undefined : placeUnder(options);
    this.#options = place?.options ?? resolveOptions(options, defaultLabel);
    const { name, candidateId } = this.#options;
    const listener = options.onEvent ?? place?.listener ?? warnOfSilence();
    this.#emit = emitter(name, candidateId, [telemetry(name), listener]);
    const store = place?.store ?? storeOf(options as AloneOptions);
    this.#client = new LeaseClient(store, this.#options, this.#emit, place?.time);
    this.#seat = place?.seat(this.#client);
    this.#tickWill = place?.tickWill(this.#emit);
    this.#lastWill = place ? undefined : lastWillOf(store, this.#options, this.#emit);
    this.#heartbeat = place ? undefined : heartbeatAids(store, this.#options);
    this.#campaign = new Campaign({
      client: this.#client,
      options: this.#options,
      emit: this.#emit,
      lastWill: this.#lastWill,
      under: this.#seat,
    });
    this.#registration = new Registration(this.#client, this.#options, this.#emit);
  }

  /** The election's name. */
  get name(): string {
    return this.#options.name;
  }

  /** This candidate's id: its `label` and a random part. It is unique, and new for each object. */
  get candidateId(): string {
    return this.#options.candidateId;
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
    if (this.#tenure?.mayWork) return "leader";
    if (!this.#campaigning) return "idle";
    // The row may still name this candidate for a lease that it has lost.
    const role = roleOf(this.#campaign.lease, this.candidateId, this.#options.eligible);
    return role === "leader" ? "waiting" : role;
  }

  /**
   * Milliseconds since the table last answered this candidate, by the clock that shows more; undefined before the first
   * answer. A candidate that campaigns or leads gets an answer about once per `renewIntervalMs`.
   */
  get msSinceContact(): number | undefined {
    const { msSinceContact = Number.POSITIVE_INFINITY } = this.#client;
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
    this.#liveness ??= new Liveness(this.#client, this.#options);
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
    return this.#exclusively(options.signal, (bid) => this.#lead(work, options, bid));
  }

  /** One function, for each that waits for another one costs memory, and a process may have thousands of them. */
  async #lead<T>(
    work: Work<T>,
    { signal, announce = true, onWorkError = "stop" }: LeadOptions,
    bid: Bid,
  ): Promise<T | undefined> {
    const { clock, leaseDurationMs, random } = this.#options;
    this.#registration.join();
    try {
      for (let failures = 0; !bid.isAborted; ) {
        this.#tenure = undefined;
        const won = await bid.unlessAborted(this.#campaign.run({ signal: bid.signal }));
        if (won === undefined) break;
        const begun = await bid.unlessAborted(this.#begin(won, bid));
        if (begun === undefined) break;
        if (begun instanceof NotBegun) {
          if (begun.ended && LET_OTHERS_GO_FIRST.has(begun.ended)) await this.#letOthersGoFirst(bid);
          continue;
        }
        const { tenure } = begun;
        bid.rest();
        // A session that is closed announces the ends of its leaderships itself.
        const until = announce ? signal : bid.signal;
        const served = await this.#serve(begun, work, { signal: until, announce }, async (stopped) => {
          await tenure.release("resigned");
          return { ...stopped, fault: tenure.fault };
        });
        if (served instanceof WorkNotStoppedError) throw served;
        const { ended, result, fault } = served;
        // What this candidate knows may be wrong, so it does not campaign again.
        if (fault && ended && !bid.isAborted) throw fault;
        try {
          const value = settle(result, ended);
          if (!ended || bid.isAborted) return value;
        } catch (error) {
          if (onWorkError === "stop" || bid.isAborted) throw error;
          this.#emit({ type: "work-failed", term: won.lease.term, error });
          const ranMs = longestElapsedMs(won.sent, this.#client.time.now());
          failures = ranMs < leaseDurationMs ? failures + 1 : 1;
          // Out of the line meanwhile: leaders would hand over to a candidate that does not try.
          await this.#registration.leave();
          await this.#letOthersGoFirst(bid);
          await bid.unlessAborted(sleep(clock, backoffMs(failures, MAX_WORK_BACKOFF_MS, random), bid.signal));
          this.#registration.join();
          continue;
        }
        if (LET_OTHERS_GO_FIRST.has(ended)) await this.#letOthersGoFirst(bid);
      }
      return undefined;
    } finally {
      const leaving = this.#registration.leave();
      if (!this.#notStopped) await (this.#tenure?.stop.wait(leaving) ?? leaving);
    }
  }

  #letOthersGoFirst(bid: Bid): Promise<void> {
    return bid.unlessAborted(this.#campaign.letOthersGoFirst(bid.signal));
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
    return this.#exclusively(options.signal, async (bid) => {
      this.#registration.join();
      try {
        for (;;) {
          const won = await this.#campaign.run({ signal: bid.signal });
          const begun = await this.#begin(won, bid, () => this.#registration.leave());
          if (!(begun instanceof NotBegun)) return begun.leadership;
          await this.#registration.leave();
          this.#registration.join();
        }
      } catch (error) {
        await this.#registration.leave();
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
      const outcome = await this.#campaign.tryOnce({ signal: bid.signal });
      if (outcome.kind !== "elected") return undefined;
      const begun = await this.#begin(outcome, bid);
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
    const run = async (bid: Bid): Promise<RunOnceResult<T>> => {
      const outcome = await this.#bidForTick({ tick: normal, mode }, wait, bid);
      if (outcome.kind === "settled") {
        const { verdict } = outcome;
        if (verdict.kind === "misplaced") throw misplacedTick(normal, tick);
        if (verdict.kind === "superseded")
          this.#emit({ type: "tick-superseded", completed: verdict.completed });
        return { ran: false, ...becauseOf(verdict), leader: undefined, lastTick: this.#campaign.lastTick };
      }
      const tried = await this.#runIfElected(outcome, work, bid, (tenure) =>
        this.#complete(tenure, normal, reserveForMs, bid.signal),
      );
      const { lastTick } = this.#campaign;
      if (!(tried instanceof NotBegun)) return { ...tried, lastTick };
      // Somebody else may lead by now.
      return wait ? run(bid) : { ran: false, because: "held", leader: undefined, lastTick };
    };
    return this.#exclusively(options.signal, run);
  }

  async #bidForTick(tick: TickBid, wait: boolean, bid: Bid): Promise<Won | NotElected | Unhealthy | Settled> {
    const options = { signal: bid.signal, bid: tick };
    const outcome = await (wait ? this.#campaign.run(options) : this.#campaign.tryOnce(options));
    if (outcome.kind !== "elected") return outcome;
    // The row that was acquired decides, not the row that was seen before (rule 10c).
    const verdict = verdictOn(tick.tick, tick.mode, outcome.lease.ticks);
    if (verdict.kind === "open") return outcome;
    const begun = await this.#begin(outcome, bid);
    if (!(begun instanceof NotBegun)) await begun.tenure.release("resigned");
    return { kind: "settled", verdict };
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
      const outcome = await this.#campaign.tryOnce({ signal: bid.signal });
      const tried = await this.#runIfElected(outcome, work, bid, async (tenure) => {
        await tenure.release("resigned", { reserve: reservationForGroup(reserveForMs, this.#options) });
      });
      return tried instanceof NotBegun ? { ran: false, because: "held", leader: undefined } : tried;
    });
  }

  async #runIfElected<T>(
    outcome: Won | NotElected | Unhealthy,
    work: Work<T>,
    bid: Bid,
    complete: (tenure: Tenure) => Promise<void>,
  ): Promise<TryLeadResult<T> | NotBegun> {
    if (outcome.kind === "unhealthy") return { ran: false, because: "unhealthy", leader: undefined };
    if (outcome.kind === "held") return { ran: false, because: "held", leader: leaderOf(outcome.lease) };
    const begun = await this.#begin(outcome, bid);
    if (begun instanceof NotBegun) return begun;
    const { tenure } = begun;
    const { signal } = bid;
    const run = await this.#serve(begun, work, { signal, announce: false }, async ({ result }) => {
      if (result.status === "rejected") {
        await tenure.release("resigned");
        throw result.reason;
      }
      await complete(tenure);
      return { ran: true, term: tenure.term, result: result.value } as const;
    });
    if (run instanceof WorkNotStoppedError) throw run;
    return run;
  }

  /**
   * Rule 8c. Runs the work, and then `after`. If the work does not stop in time, it returns the error that says so.
   * `after` still follows then, when the work has stopped after all. No other bid begins before that.
   */
  #serve<T, R>(
    { leadership, tenure }: Begun,
    work: Work<T>,
    serving: Omit<Serving, "onOverrun">,
    after: (served: Served<T>) => Promise<R>,
  ): Promise<R | WorkNotStoppedError> {
    return new Promise((resolve, reject) => {
      const onOverrun = () => {
        const stopped = whole.then(
          () => {},
          () => {},
        );
        const error = new WorkNotStoppedError(this.name, tenure.term, this.#options.stopTimeoutMs, stopped);
        this.#notStopped = error;
        void stopped.then(() => {
          this.#notStopped = undefined;
        });
        resolve(error);
      };
      const whole = serve(leadership, tenure, work, { ...serving, onOverrun }).then(after);
      whole.then(resolve, reject);
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
    return new Observer(this.#client, this.#options).leader(options.signal);
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
    yield* new Observer(this.#client, this.#options).follow(options.signal);
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
    return new HistoryView(this.#client).candidates(options.signal);
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
    return new HistoryView(this.#client).history(limit, signal);
  }

  /** Two bids of one candidate would take its own lease away from it. Closing the session ends a bid as the caller does. */
  async #exclusively<T>(signal: AbortSignal | undefined, make: (bid: Bid) => Promise<T>): Promise<T> {
    if (this.#notStopped) throw this.#notStopped;
    if (this.#campaigning || (this.#tenure && !this.#tenure.isOver))
      throw new AlreadyCampaigningError(this.name);
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

  /**
   * Rule 8a. Makes a tenure of what was won, while no other bid can begin. If the caller has aborted while the acquire was under
   * way, it gives the lease back and rejects with the signal's reason. If the lease was lost before the first stand-ins were
   * signed (rule 12a), it resolves to `NotBegun`.
   */
  async #begin(won: Won, bid: Bid, onOver: () => Promise<unknown> = nothing): Promise<Begun | NotBegun> {
    const { lease, previous, lastHolder } = won;
    const under = this.#seat?.hold(lease);
    const history = new TermHistory(this.#client, this.#options, lease, won, under);
    const observer = {
      observed: (row: Lease) => {
        this.#campaign.observed(row);
        this.#tickWill?.observed(row);
      },
    };
    const tenure = new Tenure(won, this.#client, this.#options, this.#emit, observer, {
      succession: new Succession(this.#client, this.#options, this.#registration, previous, lastHolder),
      history,
      idleDeletion: new IdleDeletion(this.#client, this.#options, this.#emit, lease),
      lastWill: this.#tickWill ?? this.#lastWill,
      heartbeat: this.#heartbeat,
      under,
      onOver,
    });
    under?.begins(tenure);
    this.#tenure = tenure;
    const covering = tenure.start();
    // Rule 13d. The history may say that the last term was given back, and a founder would not wait for this one.
    const isForgettable = previous?.kind === "vacant" && previous.ttl !== undefined;
    // Rule 14i. A founder must find in history how long a lease under a session lasts.
    const mustBeInHistory = isForgettable || under !== undefined;
    if (covering !== undefined) await covering;
    if (mustBeInHistory) {
      const isOver = () => tenure.isOver || bid.isAborted;
      try {
        await history.untilBegun(isOver);
        const tookMs = longestElapsedMs(won.sent, this.#client.time.now());
        if (mayBeFounded(previous, tookMs))
          await untilStillHeld(tenure, this.#client, this.#options, under, isOver);
      } catch (error) {
        // The work cannot begin, and the lease must not be kept for it.
        if (error instanceof InternalError) tenure.fail(error);
        await tenure.release("resigned");
        throw error;
      }
    }
    if (bid.isAborted) {
      await tenure.release("resigned");
      bid.throwIfAborted();
    }
    if ((covering !== undefined || mustBeInHistory) && tenure.isOver) {
      void under?.released("lost", tenure.endReason);
      if (tenure.fault) throw tenure.fault;
      return new NotBegun(tenure.endReason);
    }
    return { leadership: new Leadership(tenure, this.#client), tenure };
  }

  async #complete(
    tenure: Tenure,
    tick: string,
    reserveForMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const reserve = reservationForGroup(reserveForMs, this.#options);
    const isStopRequested = tenure.stop.isRequested;
    const outcome = await tenure.release("resigned", { tick, reserve });
    if (outcome === "lost") throw tenure.lostError(-tenure.remainingMs());
    if (outcome === "unconfirmed") throw tenure.fault ?? new TableUnavailableError("record the tick as done");
    const recording = recordTick(this.#client, this.#options, tenure.term, tick);
    await (isStopRequested ? tenure.stop.wait(recording) : endOrAbort(recording, signal));
  }
}
