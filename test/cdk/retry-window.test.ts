import { expect, test } from "vitest";
import { defaultRetries, maxAgeS, type Occurrence } from "../../lib/scheduled-leader/retry-window.js";
import { cronOfRate, rateSecondsOf } from "../../lib/scheduled-leader/schedule-rate.js";

const minutes = (count: number) => count * 60;
const of = (rateS: number | undefined, ticks: Occurrence["ticks"]): Occurrence => ({ rateS, ticks });

// A retry comes 60 s and then 180 s after the event, or later. The next event can come 60 s early against this one.
test.each([
  ["rate(1 minute), latest", of(minutes(1), "latest"), 0, 60],
  ["rate(2 minutes), latest", of(minutes(2), "latest"), 0, 60],
  ["rate(3 minutes), latest", of(minutes(3), "latest"), 1, 120],
  ["rate(4 minutes), latest", of(minutes(4), "latest"), 1, 180],
  ["rate(5 minutes), latest", of(minutes(5), "latest"), 2, 240],
  ["rate(1 hour), latest", of(minutes(60), "latest"), 2, 3_540],
  ["rate(2 hours), latest", of(minutes(120), "latest"), 2, 3_600],
  ["rate(1 day), latest", of(minutes(1_440), "latest"), 2, 3_600],
  ["rate(1 minute), every", of(minutes(1), "every"), 2, 3_600],
  ["rate(1 hour), every", of(minutes(60), "every"), 2, 3_600],
  ["cron, latest", of(undefined, "latest"), 2, 3_600],
  ["cron, every", of(undefined, "every"), 2, 3_600],
  ["rate(1 minute), without ticks", of(minutes(1), undefined), 2, 3_600],
])("the default retries of %s", (_name, occurrence, attempts, age) => {
  expect(defaultRetries(occurrence)).toEqual({ attempts, maxAgeS: age });
});

test.each([
  ["rate(1 minute), latest", of(minutes(1), "latest"), 60],
  ["rate(5 minutes), latest", of(minutes(5), "latest"), 240],
  ["rate(1 day), latest", of(minutes(1_440), "latest"), 21_600],
  ["rate(1 minute), every", of(minutes(1), "every"), 3_780],
  ["rate(5 minutes), every", of(minutes(5), "every"), 19_140],
  ["rate(1 hour), every", of(minutes(60), "every"), 21_600],
  ["cron", of(undefined, "latest"), undefined],
  ["without ticks", of(minutes(1), undefined), undefined],
])("the oldest age of an event of %s", (_name, occurrence, age) => {
  expect(maxAgeS(occurrence)).toBe(age);
});

test.each([
  ["rate(1 minute)", "cron(* * * * ? *)"],
  ["rate(5 minutes)", "cron(0/5 * * * ? *)"],
  ["rate(30 minutes)", "cron(0/30 * * * ? *)"],
  ["rate(60 minutes)", "cron(0 * * * ? *)"],
  ["rate(1 hour)", "cron(0 * * * ? *)"],
  ["rate(6 hours)", "cron(0 0/6 * * ? *)"],
  ["rate(1 day)", "cron(0 0 * * ? *)"],
  ["rate(7 minutes)", undefined],
  ["rate(90 minutes)", undefined],
  ["rate(5 hours)", undefined],
  ["rate(36 hours)", undefined],
  ["rate(2 days)", undefined],
])("the cron of %s", (rate, cron) => {
  expect(cronOfRate(rateSecondsOf(rate) ?? Number.NaN)).toBe(cron);
});
