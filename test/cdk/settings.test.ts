import { expect, test } from "vitest";
import { settingsOf } from "../../lib/settings.js";
import { refusal } from "./synth.js";

const settings = (context: Record<string, unknown>) => settingsOf((key) => context[key]);

test("nothing said: one table in one Region, watched, without a job", () => {
  expect(settings({})).toEqual({
    stackName: "incumbent",
    tableName: "incumbent",
    region: undefined,
    regions: undefined,
    witness: undefined,
    elections: [],
    job: undefined,
    monitor: true,
    leaderChanges: false,
    alarmEmail: undefined,
  });
});

test("the command line's text and cdk.json's JSON say the same", () => {
  const text = settings({ regions: "eu-west-1,eu-west-2, eu-west-3", elections: "a,b", monitor: "false" });
  const json = settings({
    regions: ["eu-west-1", "eu-west-2", "eu-west-3"],
    elections: ["a", "b"],
    monitor: false,
  });
  expect(text).toEqual(json);
  expect(text.regions).toEqual(["eu-west-1", "eu-west-2", "eu-west-3"]);
});

test("a job has its entry, election, schedule with time zone, timeout and stickiness", () => {
  const { job } = settings({
    job: "src/nightly.ts",
    election: "reports",
    schedule: "cron(0 3 * * ? *)",
    timezone: "Europe/Berlin",
    sticky: "2 days",
    ticks: "every",
    timeout: "90 seconds",
  });
  expect(job).toMatchObject({ entry: "src/nightly.ts", election: "reports", ticks: "every" });
  expect(job?.schedule.expressionString).toBe("cron(0 3 * * ? *)");
  expect(job?.schedule.timeZone?.timezoneName).toBe("Europe/Berlin");
  expect(job?.stickyFor?.toHours()).toBe(48);
  expect(job?.timeout?.toSeconds()).toBe(90);
});

test.each([
  [{ tableName: "a b" }, "tableName", "received a string of 3 characters. Suggestion: incumbent."],
  [
    { regions: "eu-west-1,,eu west" },
    "regions",
    "received a string of 18 characters. Suggestion: eu-west-1,eu-west-2,eu-central-1.",
  ],
  [{ regions: 3 }, "regions", "received the number 3. Suggestion: eu-west-1,eu-west-2,eu-central-1."],
  [{ elections: "a#b" }, "elections", "received a string of 3 characters. Suggestion: billing/nightly."],
  [
    { monitor: "maybe" },
    "monitor",
    "must be true or false; received a string of 5 characters. Suggestion: true.",
  ],
  [{ alarmEmail: "me" }, "alarmEmail", "received a string of 2 characters. Suggestion: on-call@example.com."],
  [
    { job: "x.ts", schedule: "every day" },
    "schedule",
    "received a string of 9 characters. Suggestion: cron(0 3 * * ? *).",
  ],
  [
    { job: "x.ts", timezone: "Mars/Base" },
    "timezone",
    "received a string of 9 characters. Suggestion: Europe/Berlin.",
  ],
  [{ job: "x.ts", ticks: "all" }, "ticks", "received a string of 3 characters. Suggestion: every."],
  [{ job: "x.ts", sticky: "long" }, "sticky", "received a string of 4 characters. Suggestion: 15 minutes."],
])("%j: refused, with a suggestion", (context, key, says) => {
  const message = refusal(() => settings(context as Record<string, unknown>));
  expect(message).toContain(`context "${key}": must be`);
  expect(message).toContain(says);
});

test("a name in the wrong case is refused; names of others are not", () => {
  const given = { job: "x.ts", timeZone: "Europe/Berlin", "aws:cdk:bundling-stacks": [], jobs: 3 };
  const read = (context: Record<string, unknown>) => settingsOf((key) => context[key], Object.keys(context));
  expect(refusal(() => read(given))).toBe(
    'context "timeZone": is not read (did you mean timezone?); received a string of 13 characters. Suggestion: timezone.',
  );
  const { timeZone, ...others } = given;
  expect(read({ ...others, timezone: timeZone }).job?.schedule.timeZone?.timezoneName).toBe(timeZone);
});
