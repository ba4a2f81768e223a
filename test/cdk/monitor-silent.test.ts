import { expect, test } from "vitest";
import { ElectionMonitor, LeaseTable } from "../../lib/index.js";
import { type AlarmProperties, type Series, statesOf } from "./alarm-model.js";
import { newStack, resources } from "./synth.js";

/** When the alarm on the monitor itself goes off. */

function silent(): AlarmProperties {
  const stack = newStack("eu-west-1");
  new ElectionMonitor(stack, "Monitor", { table: new LeaseTable(stack, "Leases") });
  const [alarm] = Object.entries(resources(stack, "AWS::CloudWatch::Alarm"))
    .filter(([id]) => id.includes("MonitorSilent"))
    .map(([, { Properties }]) => Properties as unknown as AlarmProperties);
  if (!alarm) throw new Error("there is no such alarm");
  return alarm;
}

const times = (count: number, value: number | undefined): Series =>
  Array.from({ length: count }, () => value);

/** CloudWatch may read more than the evaluation periods. It must not matter. */
const EXTRA = [0, 3, 20];

function after(runs: Series, invocations: Series = runs) {
  const series = { MonitorRuns: runs, Invocations: invocations };
  const all = EXTRA.map((extra) => statesOf(silent(), series, extra));
  for (const states of all) expect(states).toEqual(all[0]);
  return all[0] ?? [];
}

test("the first deployment does not page, however long it takes until the first run", () => {
  const states = after([...times(30, undefined), ...times(30, 1)]);
  expect(states).not.toContain("ALARM");
  expect(states.at(-1)).toBe("OK");
});

test("a monitor that stops pages, and the alarm stays until it runs again", () => {
  const states = after([...times(30, 1), ...times(60, undefined), ...times(10, 1)]);
  expect(states.slice(0, 30)).not.toContain("ALARM");
  expect(states.indexOf("ALARM")).toBe(35);
  expect(new Set(states.slice(35, 90))).toEqual(new Set(["ALARM"]));
  expect(states.at(-1)).toBe("OK");
});

test("a monitor that is invoked and fails from the first day pages", () => {
  expect(after(times(20, undefined), times(20, 1)).at(-1)).toBe("ALARM");
});

test("a few missed runs, late metrics and two runs in one period do not page", () => {
  const update = [...times(20, 1), ...times(3, undefined), ...times(20, 1)];
  const late = [...times(20, 1), undefined, undefined];
  const uneven = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 2 : undefined));
  for (const runs of [update, late, uneven]) expect(after(runs)).not.toContain("ALARM");
});
