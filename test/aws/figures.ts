import { quantile, rounded } from "../../bench/statistics.js";
import type { Figure } from "./part.js";

/** Nearest rank: each figure is a value that was measured. With fewer than 100 values p99 is the largest. */
export function figureOf(name: string, values: readonly number[]): Figure {
  const at = (part: number) => rounded(quantile(values, part), 1);
  return { name, n: values.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
