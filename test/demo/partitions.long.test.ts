import { expect, test } from "vitest";
import { incumbent } from "../support/cli.js";

/** The built command. Which partitions move under load is not promised here: test/partitions/ holds that on staged time. */
test("four workers share twelve partitions, one is killed, and another one joins", async () => {
  const demo = incumbent("demo", "--partitions", "--json");
  expect(await demo.exited, demo.err).toBe(0);
  const told = JSON.parse(demo.out);
  expect(told).toMatchObject({ ok: true, leaseMs: 3_000 });
  expect(told.takenOverMs).toBeGreaterThan(0);
  expect(told.movedByDeath).toBeGreaterThanOrEqual(3);
  expect(told.movedByJoin).toBeGreaterThanOrEqual(3);
  const lines = [
    "DynamoDB Local answers",
    "Four workers start",
    "Each holds three.",
    "worker-2 is killed",
    "The others hold four each",
    "worker-5 joins",
    "Each holds three again.",
  ];
  const places = lines.map((line) => demo.err.indexOf(line));
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places).not.toContain(-1);
  // A row of the picture.
  expect(demo.err).toMatch(/^ +[\d.]+ s +(?:█\d█ ){11}█\d█$/m);
});

test.each([
  [["--partitions", "--order", "rank"], "--order: cannot go with --partitions"],
  [["--partitions", "--story"], "--partitions: cannot go with --story"],
])("%j is refused in one line", async (args, line) => {
  const demo = incumbent("demo", ...args);
  expect({ code: await demo.exited, out: demo.out }).toEqual({ code: 2, out: "" });
  expect(demo.err.trim().split("\n")).toHaveLength(1);
  expect(demo.err).toContain(line);
});
