import { BatchWriteItemCommand, type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { afterEach, describe, expect, test, vi } from "vitest";
import { candidatesPartition, termSortKey } from "../../src/store/schema.js";
import { TableReader } from "../../src/views/table-reader.js";
import { newClient, newLeaseTable } from "../support/fixture.js";
import { countReadUnits } from "../support/read-units.js";

const silent = { send: () => new Promise<never>(() => {}) };

async function all(reader: TableReader, wanted: Parameters<TableReader["rows"]>[0] = {}) {
  const rows = [];
  for await (const row of reader.rows(wanted)) rows.push(row);
  return rows;
}

afterEach(() => {
  vi.useRealTimers();
});

test("a table that never answers does not hold up who reads it", async () => {
  vi.useFakeTimers();
  const read = all(new TableReader(silent, "incumbent"));
  const refused = expect(read).rejects.toMatchObject({ code: "TABLE_UNAVAILABLE" });
  // No timer fires early, so it can fire a little late.
  await vi.advanceTimersByTimeAsync(11_000);
  await refused;
});

test("the caller's signal ends it, with the signal's reason", async () => {
  const stop = new AbortController();
  const read = all(new TableReader(silent, "incumbent", stop.signal));
  stop.abort(new Error("enough"));
  await expect(read).rejects.toThrow("enough");
});

test("it learns the table's time from its first answer", async () => {
  const client = newClient();
  const reader = new TableReader(client, await newLeaseTable(client));
  expect(reader.time.headers).toBeUndefined();
  expect(await all(reader)).toEqual([]);
  // The table's clock is this machine's; an answer tells it to the second.
  expect(Math.abs((reader.time.at(reader.time.now()) ?? 0) - Date.now())).toBeLessThan(2_000);
});

describe("a table with a long history", () => {
  const HOUR_MS = 3_600_000;
  const MINUTE_MS = 60_000;
  const client = newClient();

  type Row = Record<string, { S: string } | { N: string }>;

  const lease = (pk: string, term: number, electedAt: number): Row => ({
    ...{ pk: { S: pk }, sk: { S: "lease" }, term: { N: String(term) }, revision: { N: "7" } },
    ...{ leaseDurationMs: { N: "15000" }, electedAt: { N: String(electedAt) } },
  });
  const termRow = (pk: string, term: number, electedAt: number, ttl: number): Row => ({
    ...{ pk: { S: pk }, sk: { S: termSortKey(term) }, term: { N: String(term) }, ttl: { N: String(ttl) } },
    ...{ holder: { S: "worker-1-1mzq0c8x3k5d" }, electedAt: { N: String(electedAt) } },
  });

  /** A term a minute until half a minute ago, each kept for an hour from now on. */
  function minutely(pk: string, terms: number): Row[] {
    const latestMs = Date.now() - MINUTE_MS / 2;
    const ttl = Math.ceil((latestMs + HOUR_MS) / 1_000);
    const rows = Array.from({ length: terms }, (_, i) =>
      termRow(pk, i + 1, latestMs - (terms - 1 - i) * MINUTE_MS, ttl),
    );
    return [...rows, lease(pk, terms, latestMs)];
  }

  async function tableOf(rows: Row[]): Promise<string> {
    const tableName = await newLeaseTable(client);
    while (rows.length > 0) {
      const requests = rows.splice(0, 25).map((Item) => ({ PutRequest: { Item } }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: requests } }));
    }
    return tableName;
  }

  async function costOf(tableName: string, wanted: Parameters<TableReader["rows"]>[0]) {
    const counted: DynamoDBClient = newClient();
    const count = countReadUnits(counted);
    const rows = await all(new TableReader(counted, tableName), wanted);
    return { rows, units: count.units };
  }

  test.each([
    ["the terms of an hour", { termsWithinMs: HOUR_MS }, 60],
    ["the terms of an hour, and rows to delete", { termsWithinMs: HOUR_MS, expired: true }, 60],
    ["lease rows only", { whole: true }, 0],
  ])("is read at the cost of its elections: %s", async (_what, wanted, terms) => {
    const short = await costOf(await tableOf([...minutely("a/job", 200), lease("b", 3, 5)]), wanted);
    const long = await costOf(await tableOf([...minutely("a/job", 2_000), lease("b", 3, 5)]), wanted);

    for (const { rows } of [short, long]) {
      const leases = rows.filter(({ kind }) => kind === "lease").map(({ partition }) => partition);
      expect(leases.sort()).toEqual(["a/job", "b"]);
      expect(rows.filter(({ kind }) => kind === "term")).toHaveLength(terms);
    }
    expect(short.units).toBeGreaterThan(0);
    expect(long.units).toBeLessThanOrEqual(short.units);
    expect(long.units).toBeLessThan(10);
  });

  test("shows each election once, also beside candidates, counters and rows of strangers", async () => {
    const names = Array.from({ length: 40 }, (_, i) => `election/${i}`);
    const rows = names.flatMap((pk, i): Row[] => [
      { pk: { S: pk }, sk: { S: "arrival" }, arrival: { N: "3" } },
      ...minutely(pk, i % 7),
      { pk: { S: pk }, sk: { S: "\u{10fffe}" } },
      { pk: { S: candidatesPartition(pk) }, sk: { S: "candidate#worker-1" } },
      { pk: { S: candidatesPartition(pk) }, sk: { S: "lease" } },
    ]);
    const read = await all(new TableReader(client, await tableOf(rows)), { termsWithinMs: HOUR_MS });

    const of = (kind: string) => read.filter((row) => row.kind === kind).map(({ partition }) => partition);
    expect(of("lease").sort()).toEqual([...names].sort());
    expect(of("term")).toHaveLength(names.reduce((sum, _, i) => sum + (i % 7), 0));
  });

  test("of rows to delete it shows all, also a long history, and those of candidates", async () => {
    const old = Math.floor(Date.now() / 1_000) - 60;
    const terms = Array.from({ length: 300 }, (_, i) => termRow("a/job", i + 1, 5, old));
    const kept = termRow("a/job", 301, 5, old + HOUR_MS);
    const candidates = Array.from(
      { length: 30 },
      (_, i): Row => ({
        ...{ pk: { S: candidatesPartition("a/job") }, sk: { S: `candidate#worker-${i}` } },
        ttl: { N: String(i % 2 === 0 ? old : old + HOUR_MS) },
      }),
    );
    const tableName = await tableOf([...terms, kept, ...candidates, lease("a/job", 301, 5)]);
    await client.send(
      new PutItemCommand({ TableName: tableName, Item: { ...lease("b", 3, 5), ttl: { N: "1" } } }),
    );

    const rows = await all(new TableReader(client, tableName), { termsWithinMs: HOUR_MS, expired: true });

    expect(rows.filter(({ kind }) => kind === "term")).toHaveLength(300);
    expect(rows.filter(({ kind }) => kind === "other")).toHaveLength(15);
    expect(rows.filter(({ kind }) => kind === "lease")).toHaveLength(2);
  });
});
