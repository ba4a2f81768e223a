import fc from "fast-check";
import { expect, test } from "vitest";
import { Election, InvalidOptionError } from "../src/index.js";
import type { CandidateOptions } from "../src/options.js";
import { resolveOptions } from "../src/resolve-options.js";
import { MemoryTable } from "../src/testing/index.js";

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

test.each<[string, Record<string, unknown>, string]>([
  ["a lease of 0", { leaseDurationMs: 0 }, "leaseDurationMs"],
  ["a lease of NaN", { leaseDurationMs: Number.NaN }, "leaseDurationMs"],
  ["a lease of three days", { leaseDurationMs: 3 * 86_400_000 }, "leaseDurationMs"],
  ["a lease of 2.5 ms", { leaseDurationMs: 2.5 }, "leaseDurationMs"],
  ["a lease as a string", { leaseDurationMs: "15000" }, "leaseDurationMs"],
  ["an infinite lease", { leaseDurationMs: Number.POSITIVE_INFINITY }, "leaseDurationMs"],
  ["a margin below the drift of two clocks", { safetyMarginMs: 59 }, "safetyMarginMs"],
  ["renewals too rare for the lease", { renewIntervalMs: 10_000 }, "leaseDurationMs"],
  [
    "answers awaited too long for the lease",
    { leaseDurationMs: 3_000, requestTimeoutMs: 2_000 },
    "leaseDurationMs",
  ],
  ["a name with ':'", { name: "session:1" }, "name"],
  ["a name with '#'", { name: "term#1" }, "name"],
  ["an empty name", { name: "" }, "name"],
  ["a name of 201 characters", { name: "x".repeat(201) }, "name"],
  ["a name that is no string", { name: 7 }, "name"],
  ["a label with '#'", { label: "a#b" }, "label"],
  ["a value that is no string", { value: { url: "x" } }, "value"],
  ["an unknown expiry", { expiry: "ttl" }, "expiry"],
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
      expect(() =>
        resolve({ ...options, [option]: invalid.suggestion } as Partial<CandidateOptions>),
      ).not.toThrow();
    }
  },
);

test("the client and the table's name are checked as well", () => {
  const name = "billing/nightly";
  expect(() => new Election({ name })).toThrow("client: must be a DynamoDBClient");
  const client = { send: () => Promise.reject(new Error("unused")) };
  expect(() => new Election({ name, client, tableName: "a b" })).toThrow("tableName");
  expect(() => new Election({ name, store: new MemoryTable() })).not.toThrow();
});

test("ids: a readable label and a random part that two starts never share", () => {
  const ids = new Set(Array.from({ length: 1_000 }, () => resolve({ label: "web-1" }).candidateId));
  expect(ids.size).toBe(1_000);
  for (const id of ids) expect(id).toMatch(/^web-1-[0-9a-z]{12}$/);
});
