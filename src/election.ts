import { checkCall, checkReserveFor, checkTick, checkWork } from "./arguments.js";
import { unlessAborted } from "./async.js";
import { Campaign, type Held, type Won } from "./candidate/campaign.js";
import { defaultLabel } from "./candidate/default-label.js";
import { Registration } from "./candidate/registration.js";
import { AlreadyCampaigningError, InvalidOptionError, TableUnavailableError } from "./errors.js";
import { type Emit, emitter } from "./events.js";
import { Leadership } from "./leader/leadership.js";
import { LET_OTHERS_GO_FIRST, serve, settle, type Work } from "./leader/run-work.js";
import { Succession } from "./leader/succession.js";
import { Tenure } from "./leader/tenure.js";
import { recordTick, TermHistory } from "./leader/term-history.js";
import { Transactions } from "./leader/transactions.js";
import { LeaseClient } from "./lease-client.js";
import { CALLS } from "./option-names.js";
import type {
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
import { type Role, roleOf } from "./protocol/role.js";
import { type ResolvedOptions, resolveOptions } from "./resolve-options.js";
import { storeOf } from "./store/open-store.js";
import { telemetry } from "./telemetry.js";
import { HistoryView, type ListedCandidate, type PastLeader } from "./views/history.js";
import { Liveness } from "./views/liveness.js";
import { Observer } from "./views/observer.js";

/**
 * One candidate of one election. Every object is a candidate of its own, with an id that no other process or
 * object shares. Throws `InvalidOptionError` for options that cannot work.
 */
export class Election {
  readonly #options: ResolvedOptions;
  readonly #client: LeaseClient;
  readonly #campaign: Campaign;
  readonly #registration: Registration;
  readonly #emit: Emit;
  readonly #liveness: Liveness;
  #campaigning = false;
  #tenure: Tenure | undefined;

  constructor(options: ElectionOptions) {
    this.#options = resolveOptions(options, defaultLabel);
    const { name, candidateId } = this.#options;
    this.#emit = emitter(name, candidateId, [telemetry(name), ...(options.onEvent ? [options.onEvent] : [])]);
    this.#client = new LeaseClient(storeOf(options), this.#options, this.#emit);
    this.#campaign = new Campaign(this.#client, this.#options, this.#emit);
    this.#registration = new Registration(this.#client, this.#options, this.#emit);
    this.#liveness = new Liveness(this.#client, this.#options);
  }

  get name(): string {
    return this.#options.name;
  }

  get candidateId(): string {
    return this.#options.candidateId;
  }

  /**
   * What this candidate is at this moment, without a request: for readiness endpoints and logs. `leader`: it trusts its
   * lease, by the clocks at this call. `standby`: first in line, by the row as it was last seen. `waiting`: it campaigns.
   * `observer`: it is not eligible. `idle`: it does not campaign.
   * @example
   * app.get("/ready", (_, res) => res.json({ role: election.role }));
   */
  get role(): Role | "idle" {
    if (this.#tenure?.mayWork) return "leader";
    if (!this.#campaigning) return "idle";
    // The row may still name this candidate for a lease that it has lost.
    const role = roleOf(this.#campaign.lease, this.candidateId, this.#options.eligible);
    return role === "leader" ? "waiting" : role;
  }

  /**
   * Milliseconds since the table's last answer to this candidate, by the worse of its two clocks; undefined before the
   * first one. A candidate that campaigns or leads hears from the table about once per `renewIntervalMs`.
   */
  get msSinceContact(): number | undefined {
    return this.#client.msSinceContact;
  }

  /**
   * For liveness endpoints: true when the lease row names this candidate and has not changed for a whole lease, by this
   * process's own clock. Then it holds up the others without renewing, and a restart helps. Looks at the row with one
   * consistent read, so call it at least twice per lease. A candidate that does not lead is never wedged.
   * @throws TableUnavailableError, TableError: the table does not answer. That is no reason to restart.
   * @example
   * app.get("/live", async (_, res) => res.sendStatus((await election.isWedged()) ? 503 : 200));
   */
  async isWedged(options: Signalled = {}): Promise<boolean> {
    checkCall(options, CALLS.signalled);
    return this.#liveness.isWedged(options.signal);
  }

  /**
   * The whole life of a candidate: campaigns, runs `work` while leading, and when a leadership ends (lost, or
   * asked for) waits for `work` to stop and campaigns again, under a new term. `work` must heed
   * `leadership.signal`. Ends when `work` returns or throws by itself, with its result; or when `signal` aborts, after
   * the lease was given back, with what `work` then returned. Rejects with `TableError` when the table cannot be used.
   *
   * A leader whose `signal` aborts first announces its end and works on until the followers have had time to look
   * (about one `renewIntervalMs`), so that the next one starts within milliseconds. `announce: false`: stop at once.
   * @default announce true
   */
  async lead<T>(work: Work<T>, options: LeadOptions = {}): Promise<T | undefined> {
    checkWork(work);
    checkCall(options, CALLS.lead);
    return this.#exclusively(async () => {
      this.#registration.join();
      try {
        return await this.#lead(work, options);
      } finally {
        await this.#registration.leave();
      }
    });
  }

  async #lead<T>(work: Work<T>, { signal, announce = true }: LeadOptions): Promise<T | undefined> {
    while (!signal?.aborted) {
      const won = await unlessAborted(this.#campaign.run({ signal }), signal);
      if (won === undefined) break;
      const serving = this.#begin(won, signal, (leadership, tenure) =>
        serve(leadership, tenure, work, { signal, announce }),
      );
      const served = await unlessAborted(serving, signal);
      if (served === undefined) break;
      const { ended, result } = served;
      await this.#tenure?.release("resigned");
      const value = settle(result, ended);
      if (!ended || signal?.aborted) return value;
      if (LET_OTHERS_GO_FIRST.has(ended))
        await unlessAborted(this.#campaign.letOthersGoFirst(signal), signal);
    }
    return undefined;
  }

  /**
   * Waits until elected. The handle is yours to give back: `await using`, or `resign()` when the work has
   * stopped. Rejects with the signal's reason when it aborts first, with `TableError` when the table cannot be used.
   */
  async campaign(options: Signalled = {}): Promise<Leadership> {
    checkCall(options, CALLS.signalled);
    const { signal } = options;
    return this.#exclusively(async () => {
      this.#registration.join();
      try {
        const won = await this.#campaign.run({ signal });
        return await this.#begin(
          won,
          signal,
          (leadership) => leadership,
          () => this.#registration.leave(),
        );
      } catch (error) {
        await this.#registration.leave();
        throw error;
      }
    });
  }

  /**
   * One try, no waiting: undefined if another candidate leads. What earlier tries saw is remembered, so tries
   * minutes apart replace a dead leader too. Rejects with `TableUnavailableError` when the table does not answer, with
   * the signal's reason when it aborts first.
   */
  async tryCampaign(options: Signalled = {}): Promise<Leadership | undefined> {
    checkCall(options, CALLS.signalled);
    const { signal } = options;
    return this.#exclusively(async () => {
      const outcome = await this.#campaign.tryOnce({ signal });
      if (outcome.kind !== "elected") return undefined;
      return this.#begin(outcome, signal, (leadership) => leadership);
    });
  }

  /**
   * Runs `work` unless this tick, or a later one, was completed by anyone: at most one run completes per tick.
   * A run that throws, or loses its lease, leaves the tick open for the next try. Ticks are strings that sort in
   * order of time, such as EventBridge Scheduler's scheduled time.
   *
   * With `wait: true` it stands by while another candidate runs the tick, to take over if that one dies. With
   * `reserveForMs` the lease is kept after a completed run for candidates of the same `group`, so that one Region, say,
   * keeps the job until it misses.
   * Rejects with what `work` throws, with the signal's reason when it aborts before `work` begins, and with
   * `LeaseLostError` or `TableUnavailableError` when `work` returned but the tick could not be recorded as done.
   * @default wait false
   */
  async runOnce<T>(tick: string, work: Work<T>, options: RunOnceOptions = {}): Promise<RunOnceResult<T>> {
    checkTick(tick);
    checkWork(work);
    checkCall(options, CALLS.runOnce);
    const { signal, wait = false, reserveForMs } = options;
    checkReserveFor(reserveForMs);
    return this.#exclusively(async () => {
      const bid = { signal, tick };
      const outcome = await (wait ? this.#campaign.run(bid) : this.#campaign.tryOnce(bid));
      if (outcome.kind === "done") return { ran: false, because: "done", leader: undefined };
      return this.#runIfElected(outcome, work, signal, (tenure) =>
        this.#complete(tenure, tick, reserveForMs),
      );
    });
  }

  /**
   * One try, as with `tryCampaign()`, and `work` under it, to its end; then the lease is given back. When `signal`
   * aborts the work is told to stop, and the lease is kept while it does. `reserveForMs` as with `runOnce`.
   * Rejects with what `work` throws, with the signal's reason when it aborts before `work` begins, and with
   * `TableUnavailableError` when the table does not answer.
   */
  async tryLead<T>(work: Work<T>, options: TryLeadOptions = {}): Promise<TryLeadResult<T>> {
    checkWork(work);
    checkCall(options, CALLS.tryLead);
    const { signal, reserveForMs } = options;
    checkReserveFor(reserveForMs);
    return this.#exclusively(async () => {
      const outcome = await this.#campaign.tryOnce({ signal });
      return this.#runIfElected(outcome, work, signal, async (tenure) => {
        await tenure.release("resigned", { reserve: tenure.hold(reserveForMs) });
      });
    });
  }

  async #runIfElected<T>(
    outcome: Won | Held,
    work: Work<T>,
    signal: AbortSignal | undefined,
    complete: (tenure: Tenure) => Promise<void>,
  ): Promise<TryLeadResult<T>> {
    if (outcome.kind === "held") return { ran: false, because: "held", leader: leaderOf(outcome.lease) };
    return this.#begin(outcome, signal, async (leadership, tenure) => {
      const { result } = await serve(leadership, tenure, work, { signal, announce: false });
      if (result.status === "rejected") {
        await tenure.release("resigned");
        throw result.reason;
      }
      await complete(tenure);
      return { ran: true, term: leadership.term, result: result.value };
    });
  }

  /** Who leads, by one read; undefined when nobody does, or the lease has surely run out. */
  async leader(options: Signalled = {}): Promise<Leader | undefined> {
    checkCall(options, CALLS.signalled);
    return new Observer(this.#client, this.#options).leader(options.signal);
  }

  /**
   * Follows the election without competing: yields the leader (or undefined) at once, then at each change,
   * until `signal` aborts. Outages of the table are waited out. One read per renewal.
   */
  observe(options: Signalled = {}): AsyncIterableIterator<Leader | undefined> {
    checkCall(options, CALLS.signalled);
    return new Observer(this.#client, this.#options).follow(options.signal);
  }

  /**
   * Who stands for election, by order of arrival: with a `succession` that keeps a line, and those not eligible. One
   * that died is listed until its row says that it should have been refreshed.
   */
  async candidates(options: Signalled = {}): Promise<ListedCandidate[]> {
    checkCall(options, CALLS.signalled);
    return new HistoryView(this.#client).candidates(options.signal);
  }

  /**
   * Who led from when to when, and why it ended, latest first: leaders that crashed too. Written beside the
   * election as best it can be, and kept for `tuning.historyRetentionMs`.
   */
  async history(options: HistoryOptions = {}): Promise<PastLeader[]> {
    checkCall(options, CALLS.history);
    const { limit = 100, signal } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
      throw new InvalidOptionError("limit", "must be a whole number from 1 to 10000", limit, 100);
    }
    return new HistoryView(this.#client).history(limit, signal);
  }

  /** Two bids of one candidate would take its own lease away from it. */
  async #exclusively<T>(bid: () => Promise<T>): Promise<T> {
    if (this.#campaigning || (this.#tenure && !this.#tenure.isOver))
      throw new AlreadyCampaigningError(this.name);
    this.#campaigning = true;
    try {
      return await bid();
    } finally {
      this.#campaigning = false;
    }
  }

  /**
   * What was won becomes a tenure, while no other bid can begin, and `begin` is called at once. Unless the caller has
   * aborted while the acquire was under way: then the lease is given back, nothing begins, and this rejects with
   * the signal's reason.
   */
  async #begin<T>(
    won: Won,
    signal: AbortSignal | undefined,
    begin: (leadership: Leadership, tenure: Tenure) => T | Promise<T>,
    onOver: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<T> {
    const { lease, previous } = won;
    const tenure = new Tenure(won, this.#client, this.#options, this.#emit, this.#campaign, {
      succession: new Succession(this.#client, this.#options, this.#registration, previous),
      history: new TermHistory(this.#client, this.#options, lease, previous),
      onOver,
    });
    this.#tenure = tenure;
    tenure.start();
    if (signal?.aborted) {
      await tenure.release("resigned");
      throw signal.reason;
    }
    return begin(new Leadership(tenure, new Transactions(tenure, this.#client)), tenure);
  }

  async #complete(tenure: Tenure, tick: string, reserveForMs: number | undefined): Promise<void> {
    const outcome = await tenure.release("resigned", { tick, reserve: tenure.hold(reserveForMs) });
    if (outcome === "lost") throw tenure.lostError(-tenure.remainingMs());
    if (outcome === "unconfirmed") throw new TableUnavailableError("record the tick as done");
    await recordTick(this.#client, this.#options, tenure.term, tick);
  }
}
