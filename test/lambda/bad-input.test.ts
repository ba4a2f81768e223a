import { afterEach, expect, test, vi } from "vitest";
import { type LeaderOptions, leaderHandler } from "../../src/lambda/index.js";
import { MemoryTable } from "../../src/testing/index.js";

/** Each fails the invocation before the table is touched, and says what is wrong and what works. */

afterEach(() => vi.unstubAllEnvs());

const context = { getRemainingTimeInMillis: () => 30_000 };
const store = new Proxy(new MemoryTable(), { get: () => () => expect.unreachable("the table was touched") });

const fails = async (
  { options = {}, env = {}, event = {}, remainingMs = 30_000 }: Case,
  message: RegExp,
): Promise<void> => {
  const clean = {
    INCUMBENT_TABLE: "",
    INCUMBENT_ELECTION: "",
    INCUMBENT_ONCE: "",
    INCUMBENT_TICKS: "",
    INCUMBENT_TICK_PERIOD_MS: "",
    INCUMBENT_STICKY_GROUP: "",
  };
  for (const [name, value] of Object.entries({ ...clean, INCUMBENT_STICKY_MS: "", ...env }))
    vi.stubEnv(name, value);
  const handler = leaderHandler(() => expect.unreachable(), options);
  const invocation = handler(event, { ...context, getRemainingTimeInMillis: () => remainingMs });
  await expect(invocation).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: expect.stringMatching(message),
  });
};

interface Case {
  readonly options?: LeaderOptions;
  readonly env?: Record<string, string>;
  readonly event?: unknown;
  readonly remainingMs?: number;
}

const named = { store, election: "billing/nightly" };
const ticked = { ...named, once: "tick" } as const;

test.each<[string, Case, RegExp]>([
  [
    "no table",
    { options: { election: "x" } },
    /^INCUMBENT_TABLE: must be .* received an empty string\. Suggestion: "incumbent"\.$/,
  ],
  ["no election", { options: { store } }, /^INCUMBENT_ELECTION: must be .*Suggestion: "billing\/nightly"/],
  [
    "a malformed election in the environment",
    { options: { store }, env: { INCUMBENT_ELECTION: "a:b" } },
    /^INCUMBENT_ELECTION: .*\(character 2 is not allowed\); received a string of 3 characters/,
  ],
  [
    "a malformed election",
    { options: { store, election: "a#b" } },
    /^election: .*received a string of 3 characters/,
  ],
  [
    "an unknown INCUMBENT_ONCE",
    { options: named, env: { INCUMBENT_ONCE: "daily" } },
    /^INCUMBENT_ONCE: must be "tick", or absent; received a string of 5 characters/,
  ],
  ["an unknown once", { options: { ...named, once: "day" as "tick" } }, /^once: must be "tick"/],
  [
    "unknown ticks in the environment",
    { options: named, env: { INCUMBENT_TICKS: "all" } },
    /^INCUMBENT_TICKS: must be "latest" or "every"; received a string of 3 characters/,
  ],
  [
    "unknown ticks",
    { options: { ...named, ticks: "all" as "every" } },
    /^ticks: must be "latest" or "every"/,
  ],
  [
    "an unknown answer to missed ticks",
    { options: { ...named, onMissedTick: "throw" as "fail" } },
    /^onMissedTick: must be "fail" or "return"; received a string of 5 characters. Suggestion: "fail"/,
  ],
  [
    "a period that is no number",
    { options: named, env: { INCUMBENT_TICK_PERIOD_MS: "5m" } },
    /^INCUMBENT_TICK_PERIOD_MS: must be a whole number of milliseconds from 1000 to 31622400000; received a string of 2 characters. Suggestion: 300000.$/,
  ],
  [
    "a period in seconds",
    { options: { ...named, tickPeriodMs: 300 } },
    /^tickPeriodMs: must be .* from 1000 to .*received the number 300/,
  ],
  [
    "a group without a time",
    { options: named, env: { INCUMBENT_STICKY_GROUP: "eu-west-1" } },
    /^INCUMBENT_STICKY_MS: must be set beside INCUMBENT_STICKY_GROUP/,
  ],
  [
    "a time without a group",
    { options: named, env: { INCUMBENT_STICKY_MS: "60000" } },
    /^INCUMBENT_STICKY_GROUP: must be set beside INCUMBENT_STICKY_MS/,
  ],
  [
    "a time that is none",
    { options: named, env: { INCUMBENT_STICKY_GROUP: "a", INCUMBENT_STICKY_MS: "1h" } },
    /^INCUMBENT_STICKY_MS: .*received a string of 2 characters/,
  ],
  [
    "a malformed group",
    { options: named, env: { INCUMBENT_STICKY_GROUP: "a b", INCUMBENT_STICKY_MS: "60000" } },
    /^INCUMBENT_STICKY_GROUP: .*\(character 2 is not allowed\)/,
  ],
  ["half of sticky", { options: { ...named, sticky: { group: "a" } as never } }, /^sticky\.forMs: /],
  ["a negative drain", { options: { ...named, drainMs: -1 } }, /^drainMs: .*received the number -1/],
  [
    "a lease of 0",
    { options: { ...named, leaseDurationMs: 0 } },
    /^leaseDurationMs: .*received the number 0/,
  ],
  [
    "standBy that is no boolean",
    { options: { ...named, standBy: "yes" as never } },
    /^standBy: must be true or false/,
  ],
  [
    "an event that is none",
    { options: ticked, event: "tick" },
    /^event: must be an object .*received a string of 4 characters/,
  ],
  ["an event that is null", { options: ticked, event: null }, /^event: must be an object/],
  [
    "no scheduled time",
    { options: ticked, event: { source: "aws.events" } },
    /^event\.scheduledTime: must be the scheduled time/,
  ],
  [
    "a placeholder that nobody replaced",
    { options: ticked, event: { scheduledTime: "<aws.scheduler.scheduled-time>" } },
    /^event\.scheduledTime: must be an ISO 8601 time with its zone/,
  ],
  ["a time without a zone", { options: ticked, event: { time: "2026-01-01T00:00:00" } }, /^event\.time: /],
  ["a time that is none", { options: ticked, event: { time: "2026-13-01T00:00:00Z" } }, /^event\.time: /],
  [
    "a time far ahead",
    { options: ticked, event: { time: "9999-01-01T00:00:00Z" } },
    /^event\.time: must not be more than a day ahead/,
  ],
  [
    "a timeout shorter than the margins",
    { options: named, remainingMs: 400 },
    /^timeout: must leave at least 500 ms of the function's time for work/,
  ],
  ["a drain longer than the timeout", { options: { ...named, drainMs: 30_000 } }, /^timeout: /],
])("%s", async (_name, given, message) => {
  await fails(given, message);
});

test("no context", async () => {
  const handler = leaderHandler(() => {}, named);
  await expect(handler({}, undefined as never)).rejects.toThrow(/^context: must be Lambda's context/);
});
