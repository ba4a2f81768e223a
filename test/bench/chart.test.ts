import { expect, test } from "vitest";
import { chartsOf } from "../../bench/chart.js";
import type { Row } from "../../bench/report.js";

function row(chart: string, at: number, value: number): Row {
  const point = { chart, at, value, target: 100 };
  const shared = { part: "sessions", unit: "MB", figures: {}, target: undefined, met: undefined };
  return { ...shared, name: `${at}`, context: {}, samples: [], point };
}

test("each chart has a panel with all its points, and higher values stand higher", () => {
  const sizes = [1, 10, 100, 1_000, 10_000];
  const rows = [...sizes.map((at) => row("memory <MB>", at, 7 * Math.log10(10 * at))), row("other", 1, 0)];
  const svg = chartsOf(rows, "Leases", "leases") ?? "";
  const [memory = "", other = ""] = svg.split("<g transform").slice(1);
  const spots = [...memory.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);
  expect(spots).toHaveLength(sizes.length);
  const [xs, ys] = [spots.map(([x]) => x), spots.map(([, y]) => y)];
  expect(xs).toEqual([...xs].sort((a, b) => (a as number) - (b as number)));
  expect(ys).toEqual([...ys].sort((a, b) => (b as number) - (a as number)));
  expect(memory).toContain("memory &lt;MB&gt;");
  expect(memory).toContain("target 100");
  expect(other).not.toContain("NaN");
});

test("without points there is no chart", () => {
  expect(chartsOf([], "Leases", "leases")).toBeUndefined();
});
