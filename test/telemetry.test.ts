import { type Meter, metrics } from "@opentelemetry/api";
import { afterAll, expect, test } from "vitest";
import { Stage } from "./support/stage.js";

const recorded: Array<{ name: string; value: number; attributes: unknown }> = [];
const instrument = (name: string) => {
  const record = (value: number, attributes: unknown) => recorded.push({ name, value, attributes });
  return { add: record, record };
};
const meter = { createCounter: instrument, createHistogram: instrument, createUpDownCounter: instrument };
metrics.setGlobalMeterProvider({ getMeter: () => meter as unknown as Meter });
afterAll(() => metrics.disable());

test("terms won and ended, renewals and who leads are metrics of the user's OpenTelemetry SDK", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  const leadership = await election.campaign();
  await stage.advance(1_500);
  await leadership.resign();
  const attributes = { "incumbent.election": "billing/nightly" };
  expect(recorded).toEqual([
    { name: "incumbent.elected", value: 1, attributes },
    { name: "incumbent.leading", value: 1, attributes },
    { name: "incumbent.renewal.duration", value: expect.any(Number), attributes },
    { name: "incumbent.ended", value: 1, attributes: { ...attributes, "incumbent.reason": "resigned" } },
    { name: "incumbent.leading", value: -1, attributes },
  ]);
});

test("superseded ticks are a metric of their own, by whether they completed", async () => {
  const { election, events } = new Stage().candidate("a");
  for (let tick = 2; tick < 70; tick++) await election.runOnce(tick, () => {});
  await election.runOnce(68, () => {});
  recorded.length = 0;
  expect(await election.runOnce(1, () => {})).toMatchObject({ because: "superseded", completed: "unknown" });
  await election.runOnce(71, () => {});
  expect(await election.runOnce(70, () => {})).toMatchObject({ because: "superseded", completed: "no" });
  const of = (completed: string) => ({
    name: "incumbent.ticks.superseded",
    value: 1,
    attributes: { "incumbent.election": "billing/nightly", "incumbent.completed": completed },
  });
  const name = "incumbent.ticks.superseded";
  expect(recorded.filter((one) => one.name === name)).toEqual([of("unknown"), of("no")]);
  expect(events.filter(({ type }) => type === "tick-superseded")).toMatchObject([
    { completed: "unknown" },
    { completed: "no" },
  ]);
});
