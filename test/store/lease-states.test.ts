import { randomUUID } from "node:crypto";
import { type AttributeValue, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { Election, type EndReason } from "../../src/index.js";
import { toLease } from "../../src/store/dynamodb/lease-codec.js";
import { leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { factsOf } from "../support/lease.js";

/** Which state a lease row is in, and how its last tenure ended. */

const client = newClient();
const tableName = newLeaseTable(client);
const row = (term: number, more: Record<string, AttributeValue> = {}) => ({
  term: { N: String(term) },
  revision: { N: "9" },
  leaseDurationMs: { N: "120000" },
  ...more,
});

/** An election of which these rows stand in the table. */
async function withRows(rows: Record<string, Record<string, AttributeValue>>) {
  const name = `e/${randomUUID()}`;
  const TableName = await tableName;
  for (const [sk, attributes] of Object.entries(rows)) {
    const Item = { pk: { S: name }, sk: { S: sk }, ...attributes };
    await client.send(new PutItemCommand({ TableName, Item }));
  }
  const tuning = { requestTimeoutMs: 30_000 };
  const election = new Election({ client, tableName: TableName, name, leaseDurationMs: 120_000, tuning });
  return { election, read: () => leaseRow(client, TableName, name) };
}

test("a row with a holder is held, one without is vacant, and at term 0 it is a placeholder", () => {
  expect(toLease("e", row(3, { holder: { S: "a" } }))).toMatchObject({ kind: "held", holder: "a" });
  expect(toLease("e", row(3))).toMatchObject({ kind: "vacant", term: 3 });
  expect(toLease("e", row(0))).toMatchObject({ kind: "placeholder", term: 0 });
});

test("each state has its own facts: what a holder asked for, or was asked, ends with its tenure", () => {
  const facts: Record<string, AttributeValue> = {
    stepDownBy: { S: "ana" },
    awaitedTerm: { N: "3" },
    releaseInMs: { N: "5" },
    endReason: { S: "resigned" },
    reservedForGroup: { S: "eu" },
    value: { S: "http://a" },
  };
  const vacant = factsOf(toLease("e", row(3, facts)));
  expect(vacant).toMatchObject({ endReason: "resigned", reservation: { group: "eu" }, value: "http://a" });
  expect([vacant?.stepDown, vacant?.announcement, vacant?.isAwaited]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  const held = factsOf(toLease("e", row(3, { ...facts, holder: { S: "a" } })));
  expect(held).toMatchObject({ stepDown: { by: "ana" }, announcement: { inMs: 5 }, isAwaited: true });
  expect([held?.endReason, held?.reservation]).toEqual([undefined, undefined]);
  // Older clients do not remove what candidates said of the term before.
  const later = toLease("e", row(4, { ...facts, holder: { S: "a" } }));
  expect(factsOf(later)?.isAwaited).toBeUndefined();
});

test("a holder at term 0, which no term has: named, nobody leads, and the row is left as it is", async () => {
  const { election, read } = await withRows({ lease: row(0, { holder: { S: "a" } }) });
  const before = await read();
  const outcome = election.tryCampaign();
  await expect(outcome).rejects.toMatchObject({ code: "MALFORMED_LEASE", attribute: "holder" });
  await expect(outcome).rejects.toThrow('attribute "holder" must be left out on a row of term 0; found S.');
  expect(await read()).toEqual(before);
});

test.each<EndReason>(["resigned", "rotated", "evicted", "expired", "deleted"])(
  "the reason %s is read",
  (reason) => {
    expect(toLease("e", row(3, { endReason: { S: reason } }))).toMatchObject({ endReason: reason });
  },
);

test("a reason that a newer version wrote reads as unknown: the lease is free all the same, and history says so", async () => {
  const newer = { S: "moved-to-another-table" };
  const { election } = await withRows({
    lease: row(3, { endReason: newer }),
    "term#000000000002": { holder: { S: "b-1" }, electedAt: { N: "1" }, endReason: newer },
    "term#000000000003": { holder: { S: "c-1" }, electedAt: { N: "2" } },
  });
  const ends = async () => (await election.history()).map(({ term, endReason }) => [term, endReason]);
  expect(await ends()).toEqual([
    [3, "unknown"],
    [2, "unknown"],
  ]);
  const leadership = await election.tryCampaign();
  expect(leadership?.term).toBe(4);
  await leadership?.resign();
  // It is not taken for a crash by whoever records it.
  expect(await ends()).toEqual([
    [4, "resigned"],
    [3, "unknown"],
    [2, "unknown"],
  ]);
});

test("a reason that is a name of all objects is no reason either", () => {
  expect(toLease("e", row(3, { endReason: { S: "constructor" } }))).toMatchObject({ endReason: "unknown" });
});
