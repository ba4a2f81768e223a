import { type DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { Election } from "../../src/index.js";
import { candidatesPartition, termSortKey } from "../../src/store/schema.js";
import { eventually, leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { gate } from "../support/stage.js";
import { monitor, published } from "./monitor.js";

const TICK = { scheduledTime: "2026-01-31T03:00:00Z" };
const NEXT_TICK = { scheduledTime: "2026-01-31T03:01:00Z" };
const client = newClient();

function put(tableName: string, pk: string, sk: string, row: Record<string, number | string>) {
  const Item = Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === "number" ? { N: String(value) } : { S: value },
    ]),
  );
  return client.send(
    new PutItemCommand({ TableName: tableName, Item: { ...Item, pk: { S: pk }, sk: { S: sk } } }),
  );
}

/** A leader that stopped renewing, though its work goes on: the row stays, and runs out. */
async function leaderThatDied(on: DynamoDBClient, tableName: string, name: string) {
  const stop = new AbortController();
  const stuck = gate();
  const elected = gate();
  const election = new Election({ client: on, tableName, name, leaseDurationMs: 600, stopTimeoutMs: 0 });
  const led = election.lead(
    () => {
      elected.open();
      return stuck.opened;
    },
    { signal: stop.signal },
  );
  const over = expect(led).rejects.toMatchObject({ code: "WORK_NOT_STOPPED" });
  await elected.opened;
  stop.abort();
  await eventually(async () => {
    const row = await leaseRow(on, tableName, name);
    // The table's clock is this machine's; two seconds more, since an answer tells it to the second.
    return row?.holder && Number(row.expiresAt?.N) + 2_000 < Date.now();
  });
  return async () => {
    stuck.open();
    await over;
  };
}

test("publishes every election of the table: held, given back, dead, scheduled; and itself", async () => {
  const tableName = await newLeaseTable(client);
  const of = (name: string) => new Election({ client, tableName, name });
  await using _held = await of("a/held").campaign();
  await (await of("a/vacant").campaign()).resign();
  await (await of("a/vacant").campaign()).resign();
  const bury = await leaderThatDied(client, tableName, "a/dead");
  await of("a/scheduled").runOnce("2026-01-31T02:00:00Z", () => {});

  const first = await monitor(tableName, [TICK, NEXT_TICK]);
  await bury();

  expect(first.results.map(({ result }) => result?.role)).toEqual(["leader", "leader"]);
  const [held] = published(first, "a/held");
  expect(held).toMatchObject({ Table: tableName, HasLeader: 1, SecondsWithoutLeader: 0, TermsPerHour: 1 });
  expect(held).not.toHaveProperty("SecondsSinceLastTick");
  expect(held?.LeaseAgeMs).toBeGreaterThanOrEqual(0);

  const [vacant] = published(first, "a/vacant");
  expect(vacant).toMatchObject({ HasLeader: 0, TermsPerHour: 2 });
  expect(vacant).not.toHaveProperty("LeaseAgeMs");
  expect(vacant?.SecondsWithoutLeader).toBeGreaterThanOrEqual(0);

  const [dead] = published(first, "a/dead");
  expect(dead).toMatchObject({ HasLeader: 0 });
  // Since its lease ran out; its age counts from its last renewal, which was before.
  expect(dead?.SecondsWithoutLeader).toBeGreaterThan(0);
  expect(dead?.LeaseAgeMs).toBeGreaterThan(1_000 * (dead?.SecondsWithoutLeader as number));

  const [scheduled] = published(first, "a/scheduled");
  expect(scheduled).toMatchObject({ HasLeader: 0, SecondsWithoutLeader: 0, TermsPerHour: 1 });
  expect(scheduled?.SecondsSinceLastTick).toBeGreaterThanOrEqual(0);

  // It leads its own election while it looks.
  expect(published(first, "incumbent/monitor").map(({ HasLeader }) => HasLeader)).toEqual([1, 1]);
  const runs = published(first);
  expect(runs.map(({ MonitorRuns, MalformedRows }) => [MonitorRuns, MalformedRows])).toEqual([
    [1, 0],
    [1, 0],
  ]);
  // Alarms and dashboards name the dimensions exactly.
  const dimensions = first.metrics.map(({ _aws }) => _aws.CloudWatchMetrics[0]?.Dimensions[0]?.sort().join());
  expect(new Set(dimensions)).toEqual(new Set(["Election,Table", "Table"]));
  expect(runs[0]?._aws.CloudWatchMetrics[0]?.Namespace).toBe("Incumbent");
});

test("of two monitors and any number of deliveries of one tick, one publishes", async () => {
  const tableName = await newLeaseTable(client);
  const both = await Promise.all([monitor(tableName, [TICK, TICK]), monitor(tableName, [TICK])]);

  const roles = both.flatMap(({ results }) => results.map(({ result }) => result?.role));
  expect(roles.filter((role) => role === "leader")).toHaveLength(1);
  expect(roles.filter((role) => role === "done" || role === "follower")).toHaveLength(2);
  expect(both.flatMap((one) => published(one))).toHaveLength(1);
});

test("rows that nobody of us wrote are counted and named, stay as they are, and hide no election", async () => {
  const tableName = await newLeaseTable(client);
  await using _ = await new Election({ client, tableName, name: "a/sound" }).campaign();
  const now = Date.now();
  await put(tableName, "a/damaged", "lease", { term: "seven", revision: 1, leaseDurationMs: 15_000 });
  await put(tableName, "not a name!", "lease", { term: 1, revision: 1, leaseDurationMs: 15_000 });
  await put(tableName, "a/sound", termSortKey(9), { term: 8, electedAt: now });
  await put(tableName, "a/sound", "something/else", { electedAt: now });

  const invoked = await monitor(tableName, [TICK]);

  expect(published(invoked)[0]).toMatchObject({ MonitorRuns: 1, MalformedRows: 3 });
  expect(published(invoked, "a/sound")[0]).toMatchObject({ HasLeader: 1, TermsPerHour: 1 });
  expect(published(invoked, "a/damaged")).toEqual([]);
  const named = invoked.log.filter(({ message }) => /malformed/.test(message)).map(({ key }) => key);
  // What is no name may be anything, so it is not shown.
  const keys = ["a string of 11 characters lease", "a/damaged lease", `a/sound ${termSortKey(9)}`];
  expect(named.sort()).toEqual(keys);
  expect(await leaseRow(client, tableName, "a/damaged")).toMatchObject({ term: { S: "seven" } });
});

test("an election's candidates are no election, nor rows of strangers", async () => {
  const tableName = await newLeaseTable(client);
  const stop = new AbortController();
  const elected = gate();
  const name = "a/lined-up";
  const over = new Election({ client, tableName, name, succession: "arrival" }).lead(
    ({ signal }) => {
      elected.open();
      return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    },
    { signal: stop.signal, announce: false },
  );
  await elected.opened;
  await put(tableName, candidatesPartition(name), "candidate#dead", { candidateId: "dead", heartbeat: 1 });

  const invoked = await monitor(tableName, [TICK]);
  stop.abort();
  await over;

  expect(published(invoked)[0]).toMatchObject({ MonitorRuns: 1, MalformedRows: 0 });
  const elections = new Set(invoked.metrics.flatMap(({ Election: of }) => of ?? []));
  expect(elections).toEqual(new Set([name, "incumbent/monitor"]));
});

test("a table of more than one page is read to its end", async () => {
  const tableName = await newLeaseTable(client);
  const names = Array.from({ length: 6 }, (_, i) => `a/${i}`);
  // A page is one megabyte, whatever is asked of it.
  const padding = "x".repeat(300_000);
  const row = { term: 1, revision: 1, leaseDurationMs: 15_000, endedAt: Date.now(), padding };
  for (const name of names) await put(tableName, name, "lease", row);

  const invoked = await monitor(tableName, [TICK]);

  expect(names.filter((name) => published(invoked, name).length === 1)).toEqual(names);
});

test("a last tick that is older than the history it reads is looked up", async () => {
  const tableName = await newLeaseTable(client);
  const election = () => new Election({ client, tableName, name: "a/scheduled" });
  await election().runOnce("2026-01-31T02:00:00Z", () => {});
  await expect(
    election().runOnce("2026-01-31T03:00:00Z", () => Promise.reject(new Error("failed"))),
  ).rejects.toThrow();
  // As if it had been two hours ago.
  const agoMs = Date.now() - 7_200_000;
  await put(tableName, "a/scheduled", termSortKey(1), { term: 1, electedAt: agoMs, endedAt: agoMs });

  const [figures] = published(await monitor(tableName, [TICK]), "a/scheduled");

  expect(figures?.SecondsSinceLastTick).toBeGreaterThan(7_190);
  // Nobody completed the later tick: a leader is missed until somebody does.
  expect(figures?.SecondsWithoutLeader).toBeLessThan(7_190);
});

test("a variable that cannot work fails the invocation by name, and gives the lease back", async () => {
  const tableName = await newLeaseTable(client);
  const { results, metrics } = await monitor(tableName, [TICK], { INCUMBENT_PRUNE: "yes" });

  expect(results[0]?.error).toMatchObject({ name: "InvalidOptionError" });
  expect(results[0]?.error?.message).toMatch(
    /^INCUMBENT_PRUNE: .*received a string of 3 characters\. Suggestion: "true"/,
  );
  expect(metrics).toEqual([]);
  expect((await leaseRow(client, tableName, "incumbent/monitor"))?.holder).toBeUndefined();
});

test("a job and an election that never ran are published, since the monitor watches them, until they run", async () => {
  const tableName = await newLeaseTable(client);
  const env = { INCUMBENT_WATCHED_JOBS: "a/job", INCUMBENT_WATCHED_ELECTIONS: "a/worker" };
  const since = async () => {
    const Key = { pk: { S: "incumbent/monitor" }, sk: { S: "watched" } };
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }),
    );
    return Object.fromEntries(Object.entries(Item?.since?.M ?? {}).map(([name, { N }]) => [name, Number(N)]));
  };

  const [first] = published(await monitor(tableName, [TICK], env), "a/job");
  expect(first).toMatchObject({ HasLeader: 0, SecondsWithoutLeader: 0 });
  expect(first?.SecondsSinceLastTick).toBeLessThan(60);
  expect(Object.keys(await since()).sort()).toEqual(["a/job", "a/worker"]);

  // As if it had been watched since yesterday.
  const yesterday = { N: String(Date.now() - 86_400_000) };
  const M = { "a/job": yesterday, "a/worker": yesterday, "a/forgotten": yesterday };
  const row = { pk: { S: "incumbent/monitor" }, sk: { S: "watched" }, since: { M } };
  await client.send(new PutItemCommand({ TableName: tableName, Item: row }));
  const second = await monitor(tableName, [NEXT_TICK], env);
  expect(published(second, "a/job")[0]?.SecondsSinceLastTick).toBeGreaterThan(86_390);
  expect(published(second, "a/worker")[0]?.SecondsWithoutLeader).toBeGreaterThan(80_000);
  expect(published(second, "a/forgotten")).toEqual([]);
  expect(published(second)[0]).toMatchObject({ MonitorRuns: 1, MalformedRows: 0 });

  await new Election({ client, tableName, name: "a/job" }).runOnce("2026-01-31T02:00:00Z", () => {});
  const third = await monitor(tableName, [{ scheduledTime: "2026-01-31T03:02:00Z" }], env);
  expect(published(third, "a/job")[0]?.SecondsSinceLastTick).toBeLessThan(60);
  expect(Object.keys(await since())).toEqual(["a/worker"]);
});

test("names of elections that cannot be fail the invocation by the variable's name", async () => {
  const tableName = await newLeaseTable(client);
  const { results } = await monitor(tableName, [TICK], { INCUMBENT_WATCHED_JOBS: "reports,a:b" });
  expect(results[0]?.error?.message).toMatch(
    /^INCUMBENT_WATCHED_JOBS: .*received a string of 3 characters\. Suggestion: "billing\/nightly,imports"/,
  );
});
