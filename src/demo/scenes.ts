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
