import type { Delivery } from "./function.js";
import type { Outcome } from "./messages.js";
import { isLeader, isMood, keeperOf, type TickStory } from "./scenario.js";

/** What was promised, held against what was answered and what stands in the tables. Pure. */

/** A row that a run wrote, fenced, as its last act. */
export interface RecordRow {
  readonly tick: string;
  readonly term: number;
  readonly region: string;
}

export function checkTicks(stories: readonly TickStory[], records: readonly RecordRow[]): string[] {
  const violations: string[] = [];
  let lastTerm = 0;
  stories.forEach((story, index) => {
    const { tick, kind, victim, deliveries, late } = story;
    const winners = deliveries.filter(isLeader);
    const rows = records.filter((row) => row.tick === tick);
    if (winners.length !== 1) violations.push(`${tick}: ${winners.length} invocations completed it, not 1`);
    if (rows.length !== 1) violations.push(`${tick}: ${rows.length} runs recorded it, not 1`);
    const [row] = rows;
    const result = leaderResult(winners[0]);
    if (row && result && (row.term !== result.term || row.region !== result.result)) {
      const answered = `${result.result} in term ${result.term}`;
      violations.push(`${tick}: recorded by ${row.region} in term ${row.term}, answered by ${answered}`);
    }
    if (row && row.term <= lastTerm) violations.push(`${tick}: term ${row.term} after term ${lastTerm}`);
    lastTerm = Math.max(lastTerm, row?.term ?? 0);

    const before = keeperOf(stories[index - 1]);
    const keeper = keeperOf(story);
    const stalled = hasStalled(story);
    if (before !== undefined && keeper !== before && victim === undefined && !stalled) {
      violations.push(`${tick}: moved from ${before} to ${keeper}, though nothing had happened to ${before}`);
    }
    for (const delivery of late) {
      if (roleOf(delivery) !== "done")
        violations.push(`${tick}: delivered late, and not done: ${told(delivery)}`);
    }
    violations.push(...checkMood(story));
    for (const delivery of deliveries) {
      const isExpected = (outcome: Outcome) => isStall(outcome) || isTrueMiss(outcome, row?.term);
      if (!unasked(delivery).every(isExpected)) {
        violations.push(`${tick}: ${delivery.function} failed unasked: ${told(delivery)}`);
      }
    }
    if (!isMood(kind) && story.rounds > 1 && !stalled) {
      violations.push(`${tick}: took ${story.rounds} rounds of deliveries`);
    }
  });
  const strays = records.filter(({ tick }) => !stories.some((story) => story.tick === tick));
  if (strays.length > 0) violations.push(`records of unknown ticks: ${JSON.stringify(strays)}`);
  return violations;
}

/**
 * At the end of its wait another one held the lease, and that term, or a later one, completed the tick. So the tick had
 * not completed: the victim held the lease to its timeout, or the machine was slow.
 */
function isTrueMiss(outcome: Outcome, completedIn: number | undefined): boolean {
  return isMiss(outcome) && termOf(outcome) <= (completedIn ?? 0);
}

function termOf(outcome: Outcome): number {
  return Number(outcome.kind === "failed" && / holds the lease in term (\d+)\./.exec(outcome.message)?.[1]);
}

function isMiss(outcome: Outcome): boolean {
  return outcome.kind === "failed" && outcome.type === "MissedTickError" && termOf(outcome) > 0;
}

/** How many invocations said that their tick had not completed. */
export function missesOf({ deliveries }: TickStory): number {
  return deliveries.flatMap(({ outcomes }) => outcomes).filter(isMiss).length;
}

/** Failures that were not the first attempt's of a delivery with a mood. */
function unasked({ mood, outcomes }: Delivery): Outcome[] {
  return outcomes.slice(mood === undefined ? 0 : 1).filter(({ kind }) => kind !== "answered");
}

/** The machine stood still for longer than the job's short lease: that run fails and is tried again, as it should. */
function isStall(outcome: Outcome): boolean {
  return outcome.kind === "failed" && /^(Leadership of|No answer from the table)/.test(outcome.message);
}

export function hasStalled({ deliveries }: TickStory): boolean {
  return deliveries.flatMap(unasked).some(isStall);
}

/** What was done to it must have happened, or the test shows nothing. */
function checkMood({ tick, kind, deliveries }: TickStory): string[] {
  if (!isMood(kind)) return [];
  const suffered = deliveries.find(({ mood }) => mood !== undefined);
  const first = suffered?.outcomes[0];
  const is = (check: (outcome: Outcome) => boolean) => first !== undefined && check(first);
  const happened = {
    fails: is((one) => one.kind === "failed" && /failed as it was told/.test(one.message)),
    "is slow": is((one) => one.kind === "failed" && one.type === "OutOfTimeError"),
    overruns: is((one) => one.kind === "killed" && one.because === "timeout"),
    "is killed": is((one) => one.kind === "killed" && one.because === "test"),
  }[kind];
  return happened ? [] : [`${tick}: was to show "${kind}", and did not: ${suffered && told(suffered)}`];
}

function leaderResult(delivery: Delivery | undefined) {
  const last = delivery?.outcomes.at(-1);
  return last?.kind === "answered" ? last.result : undefined;
}

function roleOf(delivery: Delivery): string | undefined {
  return leaderResult(delivery)?.role;
}

function told({ function: name, outcomes }: Delivery): string {
  return `${name} ${JSON.stringify(outcomes)}`;
}
