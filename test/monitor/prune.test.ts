import {
  type AttributeValue,
  PutItemCommand,
  ScanCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { isExpired, pruneRows } from "../../lambda/prune.js";
import type { Item } from "../../src/store/attribute.js";
import { toTableRow } from "../../src/store/dynamodb/scan.js";
import { candidatesPartition, termSortKey } from "../../src/store/schema.js";
import { newClient, newLeaseTable } from "../support/fixture.js";
import { monitor, published } from "./monitor.js";

const TICK = { scheduledTime: "2026-01-31T03:00:00Z" };
const client = newClient();
const nowS = Math.floor(Date.now() / 1_000);
const signal = new AbortController().signal;

const PAST = nowS - 60;
const COMING = nowS + 600;

type Row = Record<string, AttributeValue>;

function row(sk: string, ttl: number | string | undefined, more: Row = {}): Row {
  const attribute: Row =
    ttl === undefined ? {} : { ttl: typeof ttl === "number" ? { N: String(ttl) } : { S: ttl } };
  return { pk: { S: "a/pruned" }, sk: { S: sk }, ...attribute, ...more };
}

const LEASE = { term: { N: "3" }, revision: { N: "9" }, leaseDurationMs: { N: "15000" } };
const TERM = (term: number, ttl: number | undefined) =>
  row(termSortKey(term), ttl, { term: { N: String(term) } });

const CANDIDATE = (id: string, ttl: number | string | undefined) =>
  row(`candidate#${id}`, ttl, { pk: { S: candidatesPartition("a/pruned") } });

const OTHER: Row = { pk: { S: "a/pruned/held" } };

const GOES = [
  TERM(1, PAST),
  CANDIDATE("worker-1", PAST),
  // Where an earlier version put it.
  row("candidate#worker-0", PAST),
  // Of a name that is long unused.
  row("lease", PAST, LEASE),
];
const STAYS = [
  row("lease", PAST, { ...LEASE, ...OTHER, holder: { S: "worker-1" } }),
  row("lease", COMING, { ...LEASE, pk: { S: "a/pruned/later" } }),
  row("arrival", PAST),
  TERM(2, COMING),
  TERM(3, undefined),
  CANDIDATE("worker-2", COMING),
  CANDIDATE("worker-3", "yesterday"),
  CANDIDATE("worker-4", undefined),
  row("a-later-version", PAST),
];

const seenAt = (item: Row, atMs: number) => ({ ...toTableRow(item as Item), atMs });

/** A table that deletes nothing by itself, as those of several Regions. */
async function fill(rows: readonly Row[]): Promise<string> {
  const tableName = await newLeaseTable(client);
  const TimeToLiveSpecification = { AttributeName: "ttl", Enabled: false };
  await client.send(new UpdateTimeToLiveCommand({ TableName: tableName, TimeToLiveSpecification }));
  for (const Item of rows) await client.send(new PutItemCommand({ TableName: tableName, Item }));
  return tableName;
}

async function sortKeys(tableName: string): Promise<string[]> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName }));
  return Items.filter(({ pk }) => pk?.S?.startsWith("a/pruned"))
    .map(({ sk }) => sk?.S ?? "")
    .sort();
}

const keysOf = (rows: readonly Row[]) => rows.map(({ sk }) => sk?.S ?? "").sort();

test("candidates, history and unused names past their time go; a lease that is held never does, nor what is not known", async () => {
  const tableName = await fill([...GOES, ...STAYS]);

  const invoked = await monitor(tableName, [TICK], { INCUMBENT_PRUNE: "true" });

  expect(published(invoked)[0]).toMatchObject({ MonitorRuns: 1, RowsPruned: GOES.length });
  expect(await sortKeys(tableName)).toEqual(keysOf(STAYS));
});

test("unless told so it deletes nothing", async () => {
  const tableName = await fill([...GOES, ...STAYS]);

  const invoked = await monitor(tableName, [TICK]);

  expect(published(invoked)[0]).not.toHaveProperty("RowsPruned");
  expect(await sortKeys(tableName)).toEqual(keysOf([...GOES, ...STAYS]));
});

test("a row that was prolonged after it was seen stays", async () => {
  const prolonged = CANDIDATE("worker-1", COMING);
  const tableName = await fill([prolonged]);
  const seen = seenAt(CANDIDATE("worker-1", PAST), Date.now());
  expect(isExpired(seen)).toBe(true);

  expect(await pruneRows(client, tableName, [seen], signal)).toBe(0);
  expect(await sortKeys(tableName)).toEqual(keysOf([prolonged]));
});

test("a lease that was used after it was seen stays", async () => {
  const used = row("lease", PAST, { ...LEASE, holder: { S: "worker-1" } });
  const tableName = await fill([used]);
  const seen = seenAt(row("lease", PAST, LEASE), Date.now());
  expect(isExpired(seen)).toBe(true);

  expect(await pruneRows(client, tableName, [seen], signal)).toBe(0);
  expect(await sortKeys(tableName)).toEqual(keysOf([used]));
});

test("its time is over at the second that it names, not before", () => {
  const at = (atMs: number) => isExpired(seenAt(TERM(1, 1_000), atMs));
  expect([at(999_999), at(1_000_000)]).toEqual([false, true]);
});
