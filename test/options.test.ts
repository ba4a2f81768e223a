import fc from "fast-check";
import { expect, test } from "vitest";
import { Election, InvalidOptionError, Operator } from "../src/index.js";
import { ELECTION_PATHS } from "../src/option-names.js";
import type { CandidateOptions } from "../src/options.js";
import { resolveOptions } from "../src/resolve-options.js";
import { ManualClock, MemoryTable } from "../src/testing/index.js";

const resolve = (options: Partial<CandidateOptions>) =>
  resolveOptions({ name: "billing/nightly", ...options }, () => "host-1");

test("defaults: 15 s lease, renewed every 5 s, 1.5 s margin, 2 s for an answer", () => {
  expect(resolve({})).toMatchObject({
    leaseDurationMs: 15_000,
    renewIntervalMs: 5_000,
    safetyMarginMs: 1_500,
    requestTimeoutMs: 2_000,
    stopTimeoutMs: 25_000,
    useServiceClock: true,
    maxServiceClockErrorMs: 1_000,
  });
});

test("the other durations follow a lease duration given alone, and always fit it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 86_400_000 }), (leaseDurationMs) => {
      const { renewIntervalMs, safetyMarginMs, requestTimeoutMs } = resolve({ leaseDurationMs });
      expect(renewIntervalMs + 2 * requestTimeoutMs + safetyMarginMs).toBeLessThanOrEqual(leaseDurationMs);
      expect(safetyMarginMs).toBeGreaterThanOrEqual(leaseDurationMs / 250);
    }),
  );
});

/** `options` with another value at a path such as `tuning.expiry`; undefined: without it. */
function placed(options: object, path: string, value: unknown): object {
  const [first = "", ...rest] = path.split(".");
  const { [first]: old, ...others } = options as Record<string, unknown>;
  if (rest.length > 0) return { ...others, [first]: placed(old as object, rest.join("."), value) };
  return value === undefined ? others : { ...others, [first]: value };
}

const ranked = { order: "rank", rank: 1 };
test.each<[string, Record<string, unknown>, string]>([
  ["a lease of 0", { leaseDurationMs: 0 }, "leaseDurationMs"],
  ["a lease of NaN", { leaseDurationMs: Number.NaN }, "leaseDurationMs"],
  ["a lease of three days", { leaseDurationMs: 3 * 86_400_000 }, "leaseDurationMs"],
  ["a lease of 2.5 ms", { leaseDurationMs: 2.5 }, "leaseDurationMs"],
  ["a lease as a string", { leaseDurationMs: "15000" }, "leaseDurationMs"],
  ["an infinite lease", { leaseDurationMs: Number.POSITIVE_INFINITY }, "leaseDurationMs"],
  ["a margin below the drift of two clocks", { tuning: { safetyMarginMs: 59 } }, "tuning.safetyMarginMs"],
  ["renewals too rare for the lease", { renewIntervalMs: 10_000 }, "leaseDurationMs"],
  [
    "answers awaited too long for the lease",
    { leaseDurationMs: 3_000, tuning: { requestTimeoutMs: 2_000 } },
    "leaseDurationMs",
  ],
  [
    "a standby that polls more often than is useful",
    { succession: "arrival", tuning: { standbyPollMs: 49 } },
    "tuning.standbyPollMs",
  ],
  [
    "a standby that polls less often than each renewal",
    { succession: "arrival", tuning: { standbyPollMs: 5_001 } },
    "tuning.standbyPollMs",
  ],
  ["a standby that polls, and no order", { tuning: { standbyPollMs: 250 } }, "succession"],
  ["an unknown heartbeat", { heartbeat: "worker" }, "heartbeat"],
  ["a heartbeat thread for less than a lease", { heartbeat: { maxStallMs: 14_999 } }, "heartbeat.maxStallMs"],
  ["a heartbeat thread for five minutes", { heartbeat: { maxStallMs: 300_000 } }, "heartbeat.maxStallMs"],
  [
    "a heartbeat thread for a lease of ten minutes",
    { leaseDurationMs: 600_000, heartbeat: "thread" },
    "heartbeat",
  ],
  ["a name with ':'", { name: "session:1" }, "name"],
  ["a name with '#'", { name: "term#1" }, "name"],
  ["an empty name", { name: "" }, "name"],
  ["a name of 201 characters", { name: "x".repeat(201) }, "name"],
  ["a name that is no string", { name: 7 }, "name"],
  ["a label with '#'", { label: "a#b" }, "label"],
  ["a value that is no string", { value: { url: "x" } }, "value"],
  ["an unknown expiry", { tuning: { expiry: "ttl" } }, "tuning.expiry"],
  ["expiry null", { tuning: { expiry: null } }, "tuning.expiry"],
  ["an expiry that is empty", { tuning: { expiry: {} } }, "tuning.expiry.maxServiceClockErrorMs"],
  ["tuning that is no object", { tuning: 7 }, "tuning"],
  ["tuning as an array", { tuning: [] }, "tuning"],
  ["a runtime that is a clock", { runtime: new ManualClock() }, "runtime"],
  ["a clock that is none", { runtime: { clock: Date } }, "runtime.clock"],
  ["an unknown succession", { succession: "alphabet" }, "succession"],
  ["rank order without a rank, as a word", { succession: "rank" }, "succession"],
  ["rank order without a rank", { succession: { order: "rank" } }, "succession.rank"],
  ["a rank without rank order", { succession: { order: "arrival", rank: 1 } }, "succession.rank"],
  ["a rank without an order", { succession: { rank: 1 } }, "succession.order"],
  ["preempt without rank order", { succession: { order: "ring", preempt: true } }, "succession.preempt"],
  ["preempt that is no boolean", { succession: { ...ranked, preempt: 1 } }, "succession.preempt"],
  [
    "preempt without its minimum",
    { succession: { ...ranked, preempt: {} } },
    "succession.preempt.minTenureMs",
  ],
  ["maxTenureMs with random", { succession: { order: "random", maxTenureMs: 60_000 } }, "succession.order"],
  ["a tenure of 0", { succession: { ...ranked, maxTenureMs: 0 } }, "succession.maxTenureMs"],
  ["eligible as a number", { eligible: 1 }, "eligible"],
])(
  "%s is refused with the option, the rule, the kind of value, and one that works",
  (_what, options, option) => {
    try {
      resolve(options as Partial<CandidateOptions>);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidOptionError);
      const invalid = error as InvalidOptionError;
      expect(invalid.option).toBe(option);
      expect(invalid.message).toContain(option);
      expect(invalid.message).toContain("Suggestion: ");
      // What the message proposes is accepted.
      expect(() => resolve(placed(options, option, invalid.suggestion))).not.toThrow();
    }
  },
);

test.each<[Record<string, unknown>, string, string]>([
  [{ leaseDuration: 15 }, "leaseDuration", "leaseDurationMs"],
  [{ LeaseDurationMs: 15 }, "LeaseDurationMs", "leaseDurationMs"],
  [{ lable: "a" }, "lable", "label"],
  [{ table: "t" }, "table", "tableName"],
  [{ rank: 1 }, "rank", "succession.rank"],
  [{ clock: new ManualClock() }, "clock", "runtime.clock"],
  [{ tuning: { saftyMarginMs: 100 } }, "tuning.saftyMarginMs", "tuning.safetyMarginMs"],
  [{ tuning: { leaseDurationMs: 100 } }, "tuning.leaseDurationMs", "leaseDurationMs"],
  [{ tuning: { expiry: { maxClockErrorMs: 9 } } }, "tuning.expiry.maxClockErrorMs", "maxServiceClockErrorMs"],
  [{ succession: { ...ranked, premept: true } }, "succession.premept", "succession.preempt"],
  [{ succession: { ...ranked, preempt: { minTenure: 1 } } }, "succession.preempt.minTenure", "minTenureMs"],
  [{ runtime: { rndom: Math.random } }, "runtime.rndom", "runtime.random"],
])("unknown names are refused with the nearest that is known: %j", (options, option, nearest) => {
  expect(() => resolve(options)).toThrow(
    expect.objectContaining({
      option,
      message: expect.stringMatching(
        new RegExp(`^${option}: is not an option \\(did you mean (\\w+\\.)*${nearest}\\?\\)`),
      ),
    }),
  );
});

test("a name that resembles none is not shown, and those that are known are", () => {
  expect(() => resolve({ zoo: 1 } as never)).toThrow(
    /^options: name 2 is not one of client, tableName, .*, runtime; received the number 1/,
  );
  expect(() => resolve({ tuning: { zoo: 1 } } as never)).toThrow(
    /^tuning: name 1 is not one of safetyMarginMs, requestTimeoutMs, standbyPollMs, historyRetentionMs, deleteIdleAfterMs, expiry;/,
  );
});

test("options that are no object are refused, and a group tells its own names only", () => {
  for (const nothing of [undefined, null, "billing/nightly"]) {
    const refused = expect.objectContaining({ code: "INVALID_OPTION", option: "options" });
    expect(() => new Election(nothing as never)).toThrow(refused);
    expect(() => new Operator(nothing as never)).toThrow(refused);
  }
  expect(() => resolve({ tuning: 7 } as never)).toThrow(
    /^tuning: must be an object with safetyMarginMs, requestTimeoutMs, standbyPollMs, historyRetentionMs, deleteIdleAfterMs, expiry; received/,
  );
});

test("what is undefined counts as left out, whatever its name", () => {
  const nothing = { leaseDuration: undefined, tuning: { zoo: undefined }, succession: undefined };
  expect(resolve(nothing as never)).toMatchObject({ leaseDurationMs: 15_000, order: "random" });
});

test.each(["random", "arrival", "ring"] as const)("succession %s is the order alone", (succession) => {
  const { order, preempt, maxTenureMs } = resolve({ succession });
  expect([order, preempt, maxTenureMs]).toEqual([succession, false, undefined]);
});

test("succession by rank: preempted after a lease, or after what is told", () => {
  const by = (preempt: boolean | { minTenureMs: number }) =>
    resolve({ succession: { order: "rank", rank: 7, preempt, maxTenureMs: 60_000 } });
  expect(by(true)).toMatchObject({ preempt: true, minTenureMs: 15_000, maxTenureMs: 60_000 });
  expect(by({ minTenureMs: 0 })).toMatchObject({ order: "rank", preempt: true, minTenureMs: 0 });
  expect(by(false)).toMatchObject({ preempt: false });
  expect(by(true).rank()).toBe(7);
});

test("slots, polls and refreshes follow the lease", () => {
  const { slotMs, handoffPollMs, refreshIntervalMs } = resolve({ leaseDurationMs: 3_000 });
  expect([slotMs, handoffPollMs, refreshIntervalMs]).toEqual([100, 10, 3_000]);
});

test("a table is a client's or a store, not both and not none", () => {
  const name = "billing/nightly";
  const client = { send: () => Promise.reject(new Error("unused")) };
  const store = new MemoryTable();
  const refused = (where: object, option: string) => {
    const error = expect.objectContaining({ code: "INVALID_OPTION", option });
    expect(() => new Election({ name, ...where } as never)).toThrow(error);
    expect(() => new Operator({ name, ...where } as never)).toThrow(error);
  };
  refused({}, "client");
  refused({ client, store }, "client");
  refused({ tableName: "incumbent", store }, "tableName");
  refused({ tableName: "incumbent" }, "client");
  refused({ store: null }, "store");
});

test("at most 19 names at the top", () => {
  expect(ELECTION_PATHS.filter((path) => !path.includes(".")).length).toBeLessThanOrEqual(19);
});

test("the client and the table's name are checked as well", () => {
  const name = "billing/nightly";
  expect(() => new Election({ name } as never)).toThrow("client: must be a DynamoDBClient");
  const client = { send: () => Promise.reject(new Error("unused")) };
  expect(() => new Election({ name, client, tableName: "a b" })).toThrow("tableName");
  expect(() => new Election({ name, store: new MemoryTable() })).not.toThrow();
});

test("ids: a readable label and a random part that two starts never share", () => {
  const ids = new Set(Array.from({ length: 1_000 }, () => resolve({ label: "web-1" }).candidateId));
  expect(ids.size).toBe(1_000);
  for (const id of ids) expect(id).toMatch(/^web-1-[0-9a-z]{12}$/);
});
