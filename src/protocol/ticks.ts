import { InternalError } from "../errors.js";
import { MAX_TICKS } from "../limits.js";
import { compareTicks, haveOtherForms } from "./tick-form.js";

/** Rule 10. Which ticks are completed, as the lease row and the history know it. Pure. */

/**
 * The last completed ticks. All ticks above the floor are known: each is in `completed`, or did not complete. The floor
 * is a completed tick too. Below it nothing is known.
 */
export interface TickWindow {
  readonly floor?: string | undefined;
  /** In order, without repetition, above the floor. */
  readonly completed: readonly string[];
}

/** Somebody undid ticks: what was completed up to this term does not count. */
export interface TickReset {
  readonly term: number;
  readonly by?: string | undefined;
  readonly at?: number | undefined;
  /** Of one call of `resetTick()`. */
  readonly id?: string | undefined;
}

/** `latest`: a tick before the last completed one is not run any more. `every`: it is, if it did not complete. */
export type TickMode = "latest" | "every";

/** What to do with a tick. */
export type TickVerdict =
  /** Run it. */
  | { readonly kind: "open" }
  | { readonly kind: "done" }
  /** It is not run any more. `unknown`: nobody knows whether it completed. */
  | { readonly kind: "superseded"; readonly completed: "no" | "unknown" }
  /** It would be superseded, and it probably sorts wrong. */
  | { readonly kind: "misplaced" };

/** The highest completed tick. */
export function lastTickOf(window: TickWindow | undefined): string | undefined {
  return window?.completed.at(-1) ?? window?.floor;
}

/** Rule 10b. */
export function verdictOn(tick: string, mode: TickMode, window: TickWindow | undefined): TickVerdict {
  const lastTick = lastTickOf(window);
  if (window === undefined || lastTick === undefined || compareTicks(tick, lastTick) > 0)
    return { kind: "open" };
  if (isCompleted(window, tick)) return { kind: "done" };
  const isKnown = isAboveFloor(window, tick);
  if (isKnown && mode === "every") return { kind: "open" };
  if (haveOtherForms(tick, lastTick)) return { kind: "misplaced" };
  return { kind: "superseded", completed: isKnown ? "no" : "unknown" };
}

/** Why a tick is not run. */
export function becauseOf(verdict: Exclude<TickVerdict, { kind: "open" | "misplaced" }>) {
  return verdict.kind === "done"
    ? ({ because: "done" } as const)
    : ({ because: "superseded", completed: verdict.completed } as const);
}

export function isCompleted(window: TickWindow | undefined, tick: string): boolean {
  return window !== undefined && (window.floor === tick || window.completed.includes(tick));
}

function isAboveFloor({ floor }: TickWindow, tick: string): boolean {
  return floor === undefined || compareTicks(tick, floor) > 0;
}

/** Rule 10a. The window after a run of this tick. What is dropped raises the floor. */
export function withTick(window: TickWindow = { completed: [] }, tick: string): TickWindow {
  if (isCompleted(window, tick) || !isAboveFloor(window, tick))
    throw new InternalError("a tick was run that had completed before, or whose past is not known");
  const completed = [...window.completed, tick].sort(compareTicks);
  return completed.length > MAX_TICKS
    ? { floor: completed[0], completed: completed.slice(1) }
    : { ...window, completed };
}

/** The window when only the highest completed tick is known. */
export function windowFrom(lastTick: string | undefined): TickWindow | undefined {
  return lastTick === undefined ? undefined : { floor: lastTick, completed: [] };
}

/** Whether the window is one that `withTick` and `windowFrom` make. */
export function isWindow({ floor, completed }: TickWindow): boolean {
  const inOrder = floor === undefined ? completed : [floor, ...completed];
  const isSorted = inOrder.every((tick, i) => i === 0 || compareTicks(inOrder[i - 1] as string, tick) < 0);
  return completed.length <= MAX_TICKS && isSorted;
}

/** A reset of ticks, as the row of its term records it. */
export interface RecordedTickReset {
  readonly by: string;
  readonly at?: number | undefined;
  readonly to?: string | undefined;
  /** Of the lease row after the reset. Of two resets in one term the one with the higher revision counts. */
  readonly revision: number;
}

/** What the history row of one term says of ticks. */
export interface TermTicks {
  readonly term: number;
  /** The last completed tick when the term began. */
  readonly lastTickBefore?: string | undefined;
  /** The term of the latest reset when the term began. */
  readonly tickResetTermBefore?: number | undefined;
  /** The tick that this term completed. */
  readonly lastTick?: string | undefined;
  /** The reset after this term, and before the next one. */
  readonly tickReset?: RecordedTickReset | undefined;
}

/** What the whole history knows of ticks. */
export interface TickHistory {
  readonly lastTick?: string | undefined;
  /** The term of the latest reset. */
  readonly tickResetTerm?: number | undefined;
}

/**
 * Rule 10e. The highest tick of the terms since the latest reset. That reset is recorded with its own term and, as the
 * lease row knew it, with each term that began later.
 */
export function ticksInHistory(terms: readonly TermTicks[]): TickHistory {
  const resets = terms.map(({ term, tickReset, tickResetTermBefore = 0 }) =>
    tickReset ? term : tickResetTermBefore,
  );
  const resetTerm = Math.max(0, ...resets);
  const ticks = terms.flatMap(({ term, lastTickBefore, lastTick, tickReset }) => {
    if (term > resetTerm) return [lastTickBefore, lastTick];
    return term === resetTerm ? [tickReset?.to] : [];
  });
  const lastTick = ticks
    .filter((tick) => tick !== undefined)
    .sort(compareTicks)
    .at(-1);
  return { lastTick, tickResetTerm: resetTerm === 0 ? undefined : resetTerm };
}
