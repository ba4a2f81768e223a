import type { Won } from "../candidate/acquire.js";
import type { Bid } from "../candidate/bid.js";
import { Campaign, type NotElected, type Unhealthy } from "../candidate/campaign.js";
import { Registration } from "../candidate/registration.js";
import type { Instant } from "../clock.js";
import { WorkNotStoppedError } from "../errors.js";
import type { TryLeadResult } from "../options.js";
import { leaderOf } from "../protocol/leader.js";
import type { Lease } from "../protocol/lease.js";
import { type Begun, type Leading, NotBegun, tenureOf, untilBegun } from "./begin.js";
import { type Served, type Serving, serve, type Work } from "./run-work.js";
import type { Tenure } from "./tenure.js";

async function nothing(): Promise<void> {}

/** The leaderships of one candidate, one after the other, and how it comes to them. */
export class Leaderships {
  readonly campaign: Campaign;
  readonly registration: Registration;
  #tenure: Tenure | undefined;
  #notStopped: WorkNotStoppedError | undefined;

  constructor(readonly leading: Leading) {
    this.campaign = new Campaign(leading);
    this.registration = new Registration(leading);
  }

  /** Of the leadership that began last. */
  get tenure(): Tenure | undefined {
    return this.#tenure;
  }

  /** While work runs that did not stop in time. */
  get notStopped(): WorkNotStoppedError | undefined {
    return this.#notStopped;
  }

  /** The last leadership is over, and its work has stopped. */
  forgetLast(): void {
    this.#tenure = undefined;
  }

  /** A tenure has seen its row. The next campaign need not start from nothing. */
  observed(row: Lease, sent: Instant): void {
    this.campaign.observed(row, sent);
    this.leading.tickWill?.observed(row);
  }

  /** Rule 8a. Makes a leadership of what was won, while no other bid can begin. */
  begin(won: Won, bid: Bid, onOver: () => Promise<unknown> = nothing): Promise<Begun | NotBegun> {
    const starting = tenureOf(won, this.leading, this.registration, this, onOver);
    this.#tenure = starting.tenure;
    return untilBegun(starting, this.leading, won, bid);
  }

  /**
   * Rule 8c. Runs the work, and then `after`. If the work does not stop in time, it returns the error that says so.
   * `after` still follows then, when the work has stopped after all. No other bid begins before that.
   */
  serve<T, R>(
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
        const { name, stopTimeoutMs } = this.leading.options;
        const error = new WorkNotStoppedError(name, tenure.term, stopTimeoutMs, stopped);
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

  /** If the try was successful, runs the work to its end. If the work succeeds, `complete` gives the lease back. */
  async runIfElected<T>(
    outcome: Won | NotElected | Unhealthy,
    work: Work<T>,
    bid: Bid,
    complete: (tenure: Tenure) => Promise<void>,
  ): Promise<TryLeadResult<T> | NotBegun> {
    if (outcome.kind === "unhealthy") return { ran: false, because: "unhealthy", leader: undefined };
    if (outcome.kind === "held") return { ran: false, because: "held", leader: leaderOf(outcome.lease) };
    const begun = await this.begin(outcome, bid);
    if (begun instanceof NotBegun) return begun;
    const { tenure } = begun;
    const { signal } = bid;
    const run = await this.serve(begun, work, { bid, signal, announce: false }, async ({ ended, result }) => {
      if (result?.status !== "fulfilled") {
        await tenure.release("resigned");
        if (result) throw result.reason;
        bid.throwIfAborted();
        if (tenure.fault) throw tenure.fault;
        return new NotBegun(ended);
      }
      await complete(tenure);
      return { ran: true, term: tenure.term, result: result.value } as const;
    });
    if (run instanceof WorkNotStoppedError) throw run;
    return run;
  }
}
