import { DeleteItemCommand, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { isExpired, pruneRows } from "../../lambda/prune.js";
import { sessionRowName } from "../../src/protocol/sessions.js";
import { storeOf } from "../../src/store/open-store.js";
import { type RowAt, TableReader } from "../../src/views/table-reader.js";
import { newClient, newLeaseTable } from "../support/fixture.js";
import { SessionRows } from "../support/session-rows.js";
import { monitor, published } from "./monitor.js";

/** Sessions are no elections. A lease under one has a leader as long as its session lives. */

const LEASE_MS = 600_000;
const client = newClient();

async function newSession(tableName: string, id: string, election: string) {
  const session = new SessionRows(storeOf({ client, tableName }), id, Date.now, LEASE_MS);
  await session.open();
  await session.renew();
  await session.acquire(election, "worker-1");
  return session;
}

const keyOf = (id: string) => ({ pk: { S: sessionRowName(id) }, sk: { S: "lease" } });

test("the monitor publishes no session, and a lease has a leader as long as its session lives", async () => {
  const tableName = await newLeaseTable(client);
  await newSession(tableName, "living", "a/living");
  const crashed = await newSession(tableName, "crashed", "a/crashed");
  await crashed.crash();
  const sealed = await newSession(tableName, "sealed", "a/sealed");
  await sealed.seal();
  await newSession(tableName, "gone", "a/gone");
  await client.send(new DeleteItemCommand({ TableName: tableName, Key: keyOf("gone") }));

  const invoked = await monitor(tableName, [{ scheduledTime: "2026-01-31T03:00:00Z" }]);

  const leads = (name: string) => published(invoked, name).map(({ HasLeader }) => HasLeader);
  expect(["living", "crashed", "sealed", "gone"].map((end) => leads(`a/${end}`))).toEqual([
    [1],
    [0],
    [0],
    [0],
  ]);
  expect(published(invoked, "a/living")[0]?.SecondsWithoutLeader).toBe(0);
  expect(published(invoked)[0]).toMatchObject({ MonitorRuns: 1, MalformedRows: 0 });
  const elections = invoked.metrics.flatMap(({ Election }) => (Election === undefined ? [] : [Election]));
  expect(elections.sort()).toEqual(["a/crashed", "a/gone", "a/living", "a/sealed", "incumbent/monitor"]);
});

test("a session that begins behind the scan is read, and one without a row is not found", async () => {
  const tableName = await newLeaseTable(client);
  await newSession(tableName, "late", "a/late");
  const reader = new TableReader(client, tableName);
  expect(await reader.session("late")).toMatchObject({ kind: "held", holder: "late" });
  expect(await reader.session("nobody")).toBeUndefined();
  expect(await reader.session("lat")).toBeUndefined();
});

test("prune deletes a session's row whose time has passed, whoever held it last, and never one that was renewed since", async () => {
  const tableName = await newLeaseTable(client);
  const [old, living] = [
    await newSession(tableName, "old", "a/old"),
    await newSession(tableName, "living", "a/living"),
  ];
  for (const { id } of [old, living]) {
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: keyOf(id),
        UpdateExpression: "SET #ttl = :past",
        ExpressionAttributeNames: { "#ttl": "ttl" },
        ExpressionAttributeValues: { ":past": { N: "1" } },
      }),
    );
  }
  const rows: RowAt[] = [];
  for await (const row of new TableReader(client, tableName).rows({ expired: true })) rows.push(row);
  expect(
    rows
      .filter(isExpired)
      .map(({ partition }) => partition)
      .sort(),
  ).toEqual(["living", "old"].map(sessionRowName));
  await living.renew();
  expect(await pruneRows(client, tableName, rows, new AbortController().signal)).toBe(1);
  const isThere = async (id: string) =>
    (await client.send(new GetItemCommand({ TableName: tableName, Key: keyOf(id) }))).Item !== undefined;
  expect([await isThere("old"), await isThere("living")]).toEqual([false, true]);
});
