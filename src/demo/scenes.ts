import type { OrderName } from "./messages.js";
import type { SceneKind } from "./story.js";

/** The part of the work after which each scene begins. */
export const SCENES: ReadonlyArray<readonly [SceneKind, number]> = [
  ["killed", 0.2],
  ["frozen", 0.45],
  ["resigned", 0.7],
];

/**
 * After how many payments each scene begins. Each has some work before it and some after it. With fewer than four
 * payments the last ones are left out. Pure.
 */
export function planScenes(count: number): Map<SceneKind, number> {
  const plan = new Map<SceneKind, number>();
  let earliest = 1;
  for (const [kind, part] of SCENES) {
    const latest = count - (SCENES.length - plan.size);
    const after = Math.max(earliest, Math.min(Math.round(count * part), latest));
    if (after < count) plan.set(kind, after);
    earliest = after + 1;
  }
  return plan;
}

/** The approximate time of the work, at a speed that people can follow. */
const WORK_MS = 9_000;
/** In order of rank the work takes longer: a killed or frozen leader comes back meanwhile, and takes over again. */
const LEASES_BY_RANK = 7;
const FASTEST_MS = 1;
const SLOWEST_MS = 150;
/** The approximate time of one commit. */
const COMMIT_MS = 8;

/** How long the payment provider takes for each of so many payments. Pure. */
export function paceMs(count: number, order: OrderName, leaseMs: number): number {
  const [workMs, slowestMs] =
    order === "rank"
      ? [Math.max(WORK_MS, LEASES_BY_RANK * leaseMs), slowPaceMs(leaseMs)]
      : [WORK_MS, SLOWEST_MS];
  return Math.min(slowestMs, Math.max(FASTEST_MS, Math.round(workMs / count - COMMIT_MS)));
}

/** While a scene waits for its leader, so that payments are left. Pure. */
export function slowPaceMs(leaseMs: number): number {
  return leaseMs / 6;
}
