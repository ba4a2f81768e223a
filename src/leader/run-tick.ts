import { endOrAbort } from "../async.js";
import type { Won } from "../candidate/acquire.js";
import type { Bid } from "../candidate/bid.js";
import type { NotElected, Settled, TickBid, Unhealthy } from "../candidate/campaign.js";
import { TableUnavailableError } from "../errors.js";
import type { RunOnceResult } from "../options.js";
import { misplacedTick, type Tick } from "../protocol/tick-form.js";
import { becauseOf, verdictOn } from "../protocol/ticks.js";
import { NotBegun } from "./begin.js";
import type { Leaderships } from "./leaderships.js";
import { reservationForGroup } from "./reservations.js";
import type { Work } from "./run-work.js";
import type { Tenure } from "./tenure.js";
import { recordTick } from "./term-history.js";

/** One tick, and how it is run. */
export interface TickRun extends TickBid {
  /** As the caller wrote it. */
  readonly given: Tick;
  /** Whether to wait while another candidate runs it. */
  readonly wait: boolean;
  readonly reserveForMs: number | undefined;
}

/** Rule 10. Runs the work once for this tick, unless some candidate has completed it (`Election.runOnce`). */
export async function runTick<T>(
  leaderships: Leaderships,
  run: TickRun,
  work: Work<T>,
  bid: Bid,
): Promise<RunOnceResult<T>> {
  const { leading, campaign } = leaderships;
  const outcome = await bidForTick(leaderships, run, bid);
  if (outcome.kind === "settled") {
    const { verdict } = outcome;
    if (verdict.kind === "misplaced") throw misplacedTick(run.tick, run.given);
    if (verdict.kind === "superseded")
      leading.emit({ type: "tick-superseded", completed: verdict.completed });
    return { ran: false, ...becauseOf(verdict), leader: undefined, lastTick: campaign.lastTick };
  }
  const tried = await leaderships.runIfElected(outcome, work, bid, (tenure) =>
    complete(leaderships, tenure, run, bid.signal),
  );
  const { lastTick } = campaign;
  if (!(tried instanceof NotBegun)) return { ...tried, lastTick };
  // Somebody else may lead by now.
  return run.wait
    ? runTick(leaderships, run, work, bid)
    : { ran: false, because: "held", leader: undefined, lastTick };
}

async function bidForTick(
  leaderships: Leaderships,
  { tick, mode, wait }: TickRun,
  bid: Bid,
): Promise<Won | NotElected | Unhealthy | Settled> {
  const { campaign } = leaderships;
  const options = { signal: bid.signal, bid: { tick, mode } };
  const outcome = await (wait ? campaign.run(options) : campaign.tryOnce(options));
  if (outcome.kind !== "elected") return outcome;
  // The row that was acquired decides, not the row that was seen before (rule 10c).
  const verdict = verdictOn(tick, mode, outcome.lease.ticks);
  if (verdict.kind === "open") return outcome;
  const begun = await leaderships.begin(outcome, bid);
  if (!(begun instanceof NotBegun)) await begun.tenure.release("resigned");
  return { kind: "settled", verdict };
}

async function complete(
  { leading: { client, options } }: Leaderships,
  tenure: Tenure,
  { tick, reserveForMs }: TickRun,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reserve = reservationForGroup(reserveForMs, options);
  const isStopRequested = tenure.stop.isRequested;
  const outcome = await tenure.release("resigned", { tick, reserve });
  if (outcome === "lost") throw tenure.lostError(-tenure.remainingMs());
  if (outcome === "unconfirmed") throw tenure.fault ?? new TableUnavailableError("record the tick as done");
  const recording = recordTick(client, options, tenure.term, tick);
  await (isStopRequested ? tenure.stop.wait(recording) : endOrAbort(recording, signal));
}
