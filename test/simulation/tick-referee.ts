import type { RunOnceResult } from "../../src/index.js";
import type { Lease } from "../../src/protocol/lease.js";
import { type TermTicks, type TickWindow, ticksInHistory } from "../../src/protocol/ticks.js";
import type { ResignRequest, TickResetRequest } from "../../src/protocol/verbs.js";
import type { Verb } from "./network.js";
import { numberOf } from "./ticks.js";
import { Violation } from "./violation.js";

interface Completion {
  readonly by: string;
  readonly atMs: number;
  told: boolean;
}

/** The time from one reset of ticks to the next. */
interface Epoch {
  readonly completed: Map<number, Completion>;
  /** Below it nobody knows. */
  floor: number;
  /** The reset that began it. Undefined: none, or its operator has been told of it. */
  untold: { readonly to: string | undefined; readonly term: number } | undefined;
}

/** A call of `runOnce`. */
export interface TickCall {
  readonly tick: number;
  readonly every: boolean;
  readonly candidateId: string;
  /** When it began: the number of resets until then, and the time. */
  readonly epoch: number;
  readonly startMs: number;
}

/** Holds ticks to their promises (rule 10). It counts them, and compares no texts. */
export class TickReferee {
  readonly #epochs: Epoch[] = [{ completed: new Map(), floor: Number.NEGATIVE_INFINITY, untold: undefined }];
  readonly #worked = new Set<number>();
  completedRuns = 0;

  /** What stood in the table before anything began. */
  begin({ floor, completed }: TickWindow): void {
    const before = { by: "earlier", atMs: Number.NEGATIVE_INFINITY, told: true };
    for (const tick of [floor, ...completed])
      if (tick) this.#now.completed.set(numberOf(tick), { ...before });
    this.#now.floor = floor === undefined ? Number.NEGATIVE_INFINITY : numberOf(floor);
  }

  get epoch(): number {
    return this.#epochs.length - 1;
  }

  get #now(): Epoch {
    return this.#epochs.at(-1) as Epoch;
  }

  workedFor(tick: number): void {
    this.#worked.add(tick);
  }

  /** A write on the lease row. */
  landed(verb: Verb, request: unknown, before: Lease | undefined, lease: Lease, nowMs: number): void {
    if (verb === "resetTicks") this.#reset(request as TickResetRequest, before, lease);
    if (lease.kind === "placeholder") return;
    const earlier = before === undefined || before.kind === "placeholder" ? undefined : before.ticks;
    if (verb === "resign") this.#resigned(request as ResignRequest, earlier, nowMs);
    if (lease.ticks !== earlier || verb === "acquire") this.#checkRow(lease.ticks);
  }

  #reset({ seen, to }: TickResetRequest, before: Lease | undefined, lease: Lease): void {
    if (before?.term !== seen.term || before.revision !== seen.revision) {
      throw new Violation("reset", "a reset that comes late undoes ticks that it has not seen");
    }
    const completed = new Map<number, Completion>();
    const floor = to === undefined ? Number.NEGATIVE_INFINITY : numberOf(to);
    if (to !== undefined)
      completed.set(floor, { by: "operator", atMs: Number.NEGATIVE_INFINITY, told: true });
    const term = (lease.kind === "vacant" && lease.tickReset?.term) || 0;
    this.#epochs.push({ completed, floor, untold: { to, term } });
  }

  #resigned({ candidateId, ticks }: ResignRequest, earlier: TickWindow | undefined, nowMs: number): void {
    if (!ticks) return;
    const { completed } = this.#now;
    const known = new Set([earlier?.floor, ...(earlier?.completed ?? [])]);
    const news = [ticks.floor, ...ticks.completed].filter((tick) => tick !== undefined && !known.has(tick));
    for (const tick of news) {
      const n = numberOf(tick as string);
      const other = completed.get(n);
      if (other) {
        throw new Violation("once per tick", `${n} was completed by ${other.by} and by ${candidateId}`);
      }
      if (!this.#worked.has(n)) {
        throw new Violation("ticks", `${n} is recorded as done, but no work for it was done`);
      }
      completed.set(n, { by: candidateId, atMs: nowMs, told: false });
      this.completedRuns += 1;
    }
    if (news.length !== 1) throw new Violation("ticks", `a release completed ${news.length} ticks`);
  }

  /** The row knows what has completed since the latest reset, and nothing else. */
  #checkRow(window: TickWindow | undefined): void {
    const now = this.#now;
    if (window?.floor !== undefined) now.floor = Math.max(now.floor, numberOf(window.floor));
    const known = new Set(
      [window?.floor, ...(window?.completed ?? [])].flatMap((t) => (t ? numberOf(t) : [])),
    );
    for (const n of known) {
      if (!now.completed.has(n))
        throw new Violation("ticks", `${n} is recorded as done, but no run completed it`);
    }
    for (const n of now.completed.keys()) {
      if (n > now.floor && !known.has(n))
        throw new Violation("ticks", `${n} has completed, and is forgotten`);
    }
  }

  /** Only history is left, and knows the last tick. */
  deleted(): void {
    this.#now.floor = Math.max(this.#now.floor, ...this.#now.completed.keys());
  }

  /** What `resetTick` says is done has landed, and is in history too. */
  toldReset(to: string | undefined, terms: readonly TermTicks[]): void {
    // Two operators can ask for the same, and be told in any order. Each report needs a reset of its own.
    const candidates = this.#epochs.filter(({ untold }) => untold && untold.to === to);
    const [first] = candidates;
    if (!first) throw new Violation("reset", `a reset to ${to} is reported, and did not land`);
    const reported = candidates.find((epoch) => this.#isInHistory(epoch, terms));
    if (!reported)
      throw new Violation(
        "reset",
        `a reset after term ${first.untold?.term} is reported, and is not in history`,
      );
    reported.untold = undefined;
  }

  #isInHistory(epoch: Epoch, terms: readonly TermTicks[]): boolean {
    const { to, term = 0 } = epoch.untold ?? {};
    const isKnown = (ticksInHistory(terms).tickResetTerm ?? 0) >= term;
    const record = terms.find((one) => one.term === term)?.tickReset;
    return isKnown && (epoch !== this.#now || record === undefined || record.to === to);
  }

  /** What `runOnce` says is true of some moment since it was called. */
  told(call: TickCall, result: RunOnceResult<unknown>): void {
    const { tick: n, every, candidateId, startMs } = call;
    const epochs = this.#epochs.slice(call.epoch);
    const { lastTick } = result;
    if (lastTick !== undefined && !epochs.some(({ completed }) => completed.has(numberOf(lastTick)))) {
      throw new Violation("ticks", `${numberOf(lastTick)} is called the last tick, and did not complete`);
    }
    if (result.ran) {
      const mine = epochs
        .map(({ completed }) => completed.get(n))
        .find((run) => run?.by === candidateId && !run.told);
      if (!mine) throw new Violation("ticks", `${candidateId} reports ${n} as run, but did not complete it`);
      mine.told = true;
      return;
    }
    if (result.because === "done" && !epochs.some(({ completed }) => completed.has(n))) {
      throw new Violation("ticks", `${n} is reported as done, but no release completed it`);
    }
    if (result.because !== "superseded") return;
    const isTrue = epochs.some(({ completed, floor }) => {
      if (result.completed === "unknown") return n < floor;
      const itself = completed.get(n);
      const isBehind = [...completed.keys()].some((other) => other > n);
      return !every && isBehind && (itself === undefined || itself.atMs >= startMs);
    });
    if (!isTrue) {
      throw new Violation(
        "superseded",
        `${n} is superseded (completed: ${result.completed}), which is not true`,
      );
    }
  }
}
