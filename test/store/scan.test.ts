import { describe, expect, test } from "vitest";
import { type Attribute, type Item, n, s } from "../../src/store/attribute.js";
import { toTableRow } from "../../src/store/dynamodb/scan.js";
import { candidatesPartition, termSortKey } from "../../src/store/schema.js";

/** Rows of a table, each read by itself, for people and alarms. */

const NAME = "billing/nightly";
const row = (sk: string, attributes: Item = {}, pk = NAME) =>
  toTableRow({ pk: s(pk), sk: s(sk), ...attributes });

const LEASE: Item = { term: n(3), revision: n(9), leaseDurationMs: n(15_000) };

test("a lease row and a term are told with what stands in them", () => {
  expect(row("lease", { ...LEASE, holder: s("a") })).toMatchObject({
    kind: "lease",
    partition: NAME,
    lease: { term: 3, revision: 9, holder: "a" },
  });
  const term = { term: n(7), holder: s("a"), electedAt: n(5), ttl: n(60) };
  expect(row(termSortKey(7), term)).toEqual({
    kind: "term",
    partition: NAME,
    sortKey: termSortKey(7),
    ttl: 60,
    electedAt: 5,
    record: { term: 7, holder: "a", electedAt: 5 },
  });
});

test("other rows are nobody's business, but for the end of their time", () => {
  const candidate = row("candidate#a", { ttl: n(60) }, candidatesPartition(NAME));
  expect(candidate).toMatchObject({ kind: "other", sortKey: "candidate#a", ttl: 60 });
  expect(row("a-later-version", { ttl: s("tomorrow") })).toMatchObject({ kind: "other", ttl: undefined });
});

describe("a row that is not as we write it is malformed, and said to be so by name, without its content", () => {
  const term = (attributes: Record<string, Attribute>) =>
    row(termSortKey(7), { term: n(7), ...attributes } as Item);
  test.each([
    ["a lease row's term", row("lease", { ...LEASE, term: s("canary") }), "term"],
    ["a lease row's key", row("lease", LEASE, "canary!"), "pk"],
    ["a term's key", row(termSortKey(7), { term: n(7) }, "canary!"), "pk"],
    ["a term's sort key", row("term#canary", { term: n(7) }), "sk"],
    ["a term that is not the one of its sort key", term({ term: n(8) }), "term"],
    ["a term's times", term({ electedAt: s("canary") }), "electedAt"],
    ["a term's times below 0", term({ endedAt: n(-1) }), "endedAt"],
    ["a term's lease", term({ leaseDurationMs: n(0) }), "leaseDurationMs"],
  ])("%s", (_what, malformed, attribute) => {
    expect(malformed).toMatchObject({ kind: "malformed", problem: { code: "MALFORMED_LEASE", attribute } });
    expect(JSON.stringify(malformed.kind === "malformed" && malformed.problem.message)).not.toMatch(/canary/);
  });
});
