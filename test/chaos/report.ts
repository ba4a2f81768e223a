import type { Violation } from "./history.js";
import type { Statistics } from "./statistics.js";
import type { Suffered } from "./torture.js";

export interface Report extends Suffered, Statistics {
  readonly seed: number;
  readonly minutes: number;
  readonly workers: number;
  readonly violations: readonly Violation[];
  readonly exclusionBrokenBySkew: number;
}

/** The fields in this order. */
export function toJson(report: Report): string {
  const { seed, minutes, workers, kills, freezes, partitions, restarts, skews, throttles, halfOpen } = report;
  const { denied, conflicts, lies, steps, missing, companionKills, blocks, wills } = report;
  const { evictions, leaderships, others, fencedWrites, staleRefused } = report;
  const { violations, exclusionBrokenBySkew, unavailabilityMs } = report;
  return JSON.stringify({
    ...{ seed, minutes, workers, kills, freezes, partitions, restarts, skews, throttles, halfOpen },
    ...{ denied, conflicts, lies, steps, missing, companionKills, blocks, wills },
    ...{ evictions, leaderships, others, fencedWrites, staleRefused, violations },
    ...{ exclusionBrokenBySkew, unavailabilityMs },
  });
}

export function inWords(report: Report): string {
  const { p50, p99, max } = report.unavailabilityMs;
  return [
    `seed ${report.seed}: ${report.workers} workers for ${report.minutes} minutes`,
    `faults: ${report.kills} kills, ${report.companionKills} of companions alone, ${report.freezes} freezes, ` +
      `${report.blocks} blocked loops, ${report.partitions} partitions, ` +
      `${report.halfOpen} half-open connections, ${report.throttles} errors instead of answers ` +
      `(${report.denied} transactions denied, ${report.conflicts} in conflict), ` +
      `${report.restarts} restarts of the table, ${report.skews} lives with other clocks, ` +
      `headers wrong ${report.lies} times, stepped ${report.steps}, missing ${report.missing}, ` +
      `${report.evictions} evictions`,
    `${report.leaderships} leaderships, ${report.others} of them of partitions or under a session, ${report.wills} ended by a last will, ${report.fencedWrites} fenced writes, ${report.staleRefused} stale writes refused`,
    `without a leader: p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms`,
    `exclusion broken by clocks with a wrong rate (not covered by the promises): ${report.exclusionBrokenBySkew}`,
    ...report.violations.map(({ rule, what }) => `broken: ${rule}: ${what}`),
    `${report.violations.length} violations`,
  ].join("\n");
}
