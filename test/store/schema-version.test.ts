import {
  type AttributeValue,
  GetItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { figuresOf } from "../../lambda/election-report.js";
import { byElection } from "../../lambda/table-rows.js";
import { Election, Operator } from "../../src/index.js";
import type { AcquireRequest, CandidateRow } from "../../src/protocol/verbs.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { candidatesPartition, termSortKey } from "../../src/store/schema.js";
import { MemoryTable } from "../../src/testing/index.js";
import { TableReader } from "../../src/views/table-reader.js";
import { incumbent } from "../support/cli.js";
import { newClient, newLeaseTable } from "../support/fixture.js";
import { Stage } from "../support/stage.js";

/** Rule 1h: an older and a newer client, and each other's rows. */

const NAME = "billing/nightly";
const signal = new AbortController().signal;
const client = newClient();
const REFUSED = { code: "SCHEMA_VERSION", election: NAME, schemaVersion: 3, knownVersion: 2 };
const LEASE = { ...REFUSED, row: "lease" };

/** A store, and a newer client that writes its rows. */
interface Subject {
  readonly store: LeaseStore;
  raiseLease(): Promise<void>;
  raiseTerm(term: number): Promise<void>;
  raiseCandidate(candidateId: string): Promise<void>;
}

const edit = (TableName: string, [pk, sk]: readonly [string, string], set: Record<string, AttributeValue>) =>
  client.send(
    new UpdateItemCommand({
      TableName,
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: `SET ${Object.keys(set).map((name) => `${name} = :${name}`)}`,
      ExpressionAttributeValues: Object.fromEntries(
        Object.entries(set).map(([name, value]) => [`:${name}`, value]),
      ),
    }),
  );
const NEWER = { schemaVersion: { N: "3" } };

async function onDynamoDB(): Promise<Subject & { readonly table: string }> {
  const table = await newLeaseTable(client);
  const raise = async (...key: [string, string]) => void (await edit(table, key, NEWER));
  const store = dynamoDBLeaseStore(client, table);
  return {
    table,
    store,
    raiseLease: () => raise(NAME, "lease"),
    raiseTerm: (term) => raise(NAME, termSortKey(term)),
    raiseCandidate: (id) => raise(candidatesPartition(NAME), `candidate#${id}`),
  };
}

async function inMemory(): Promise<Subject> {
  const table = new MemoryTable();
  return {
    store: table,
    async raiseLease() {
      const { lease } = await table.read(NAME);
      if (lease) table.restore(NAME, { ...lease, schemaVersion: 3 });
    },
    async raiseTerm(raised) {
      const terms = table
        .terms(NAME)
        .map((row) => (row.term === raised ? { ...row, schemaVersion: 3 } : row));
      const { lease } = await table.read(NAME);
      if (lease) table.restore(NAME, lease, terms);
    },
    async raiseCandidate(candidateId) {
      const newer = { ...candidate(candidateId), schemaVersion: 3 };
      await table.writeCandidate(NAME, newer);
    },
  };
}

const candidate = (candidateId: string): CandidateRow => ({
  candidateId,
  label: candidateId,
  ...{ arrival: 1, rank: 0, eligible: true, heartbeat: 1, refreshIntervalMs: 3_000 },
});

const acquiring = (basis: AcquireRequest["basis"], candidateId = "a"): AcquireRequest => ({
  election: NAME,
  candidateId,
  attemptId: crypto.randomUUID().slice(0, 12),
  basis,
  term: basis.term + 1,
  ...{ leaseDurationMs: 3_000, renewIntervalMs: 1_000, value: undefined, expiresAt: 13_000, at: 10_000 },
});
const OWN = { election: NAME, candidateId: "a", term: 1 };
const renewing = (revision: number) => ({
  ...{ ...OWN, revision, renewIntervalMs: 1_000, value: undefined, expiresAt: 14_000, at: 11_000 },
});
const resigning = { ...OWN, revision: 9, reason: "resigned", at: 12_000 } as const;

async function found(store: LeaseStore) {
  const row = { revision: 77, leaseDurationMs: 3_000, renewIntervalMs: 1_000 };
  await store.createPlaceholder({ election: NAME, ...row }, signal);
  await store.acquire(acquiring({ term: 0, revision: 77, founding: { highestTerm: 0 } }), signal);
}

describe.each([
  ["DynamoDBLeaseStore", onDynamoDB],
  ["MemoryTable", inMemory],
] as const)("%s", (_name, make) => {
  test("a lease row of a higher version is refused by every verb that sees it", async () => {
    const { store, raiseLease } = await make();
    await found(store);
    await raiseLease();
    const seen = { kind: "held" as const, term: 1, revision: 1, pauseRevision: 3 };
    const commit = { number: 7, id: "x" };
    const calls = [
      () => store.read(NAME, { consistent: true }, signal),
      () => store.acquire(acquiring({ term: 1, revision: 7 }, "b"), signal),
      () => store.renew({ ...renewing(2), candidateId: "b" }, signal),
      () => store.resign({ ...resigning, candidateId: "b" }, signal),
      () => store.requestStepDown({ election: NAME, term: 7, by: "op" }, signal),
      () => store.evict({ election: NAME, term: 7, at: 1 }, signal),
      () => store.pause({ election: NAME, by: "op", seen }, signal),
      () => store.transact({ ...OWN, commit, actions: [] }, signal),
      () =>
        store.createPlaceholder(
          { election: NAME, revision: 5, leaseDurationMs: 3_000, renewIntervalMs: 1_000 },
          signal,
        ),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject(LEASE);
  });

  test("no write lowers the version of a lease row, not even one that lands", async () => {
    const { store, raiseLease } = await make();
    await found(store);
    await raiseLease();
    await expect(store.renew(renewing(2), signal)).rejects.toMatchObject(LEASE);
    await expect(store.resign({ ...resigning, revision: 3 }, signal)).rejects.toMatchObject(LEASE);
    await expect(store.acquire(acquiring({ term: 1, revision: 3 }, "b"), signal)).rejects.toMatchObject(
      LEASE,
    );
    await expect(store.read(NAME, { consistent: true }, signal)).rejects.toMatchObject(LEASE);
  });

  test("a term's row of a higher version stops a founding; for people its term is all that is known", async () => {
    const { store, raiseTerm } = await make();
    await found(store);
    await store.recordTerm(NAME, { term: 2, holder: "b", lastTick: "t" }, signal);
    await raiseTerm(2);
    await expect(store.readHistory(NAME, signal)).rejects.toMatchObject({ ...REFUSED, row: termSortKey(2) });
    const { terms } = await store.readTerms(NAME, { limit: 10 }, signal);
    expect(terms).toMatchObject([{ term: 2 }, { term: 1, holder: "a" }]);
    expect(Object.keys(terms[0] ?? {})).toEqual(["term"]);
    // What becomes of a term is written onto its row, and does not lower it.
    await store.recordTerm(NAME, { term: 2, endReason: "expired" }, signal);
    await expect(store.readHistory(NAME, signal)).rejects.toMatchObject(REFUSED);
  });

  test("a candidate's row of a higher version is left out, and not the others", async () => {
    const { store, raiseCandidate } = await make();
    for (const id of ["a", "b"]) await store.writeCandidate(NAME, candidate(id), signal);
    await raiseCandidate("b");
    const { candidates } = await store.readCandidates(NAME, signal);
    expect(candidates.map(({ candidateId }) => candidateId)).toEqual(["a"]);
  });

  test("rows of this version, and rows without one, are read", async () => {
    const { store } = await make();
    await found(store);
    await store.writeCandidate(NAME, candidate("a"), signal);
    expect((await store.renew(renewing(2), signal)).done).toBe(true);
    expect((await store.readHistory(NAME, signal)).history.highestTerm).toBe(1);
    expect((await store.readCandidates(NAME, signal)).candidates).toHaveLength(1);
  });
});

const itemsOf = async (TableName: string) =>
  (await client.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items ?? [];

test("every row says its version, and a row without one is of the first", async () => {
  const { store, table } = await onDynamoDB();
  await store.createPlaceholder(
    { election: NAME, revision: 77, leaseDurationMs: 3_000, renewIntervalMs: 1_000 },
    signal,
  );
  expect((await itemsOf(table)).map(({ schemaVersion }) => schemaVersion?.N)).toEqual(["1"]);
  await store.acquire(acquiring({ term: 0, revision: 77, founding: { highestTerm: 0 } }), signal);
  await store.recordTerm(NAME, { term: 9, holder: "b" }, signal);
  await store.writeCandidate(NAME, candidate("a"), signal);
  await store.drawArrival(NAME, signal);
  const rows = await itemsOf(table);
  expect(rows.map(({ sk }) => sk?.S).sort()).toEqual(
    ["arrival", "candidate#a", "lease", termSortKey(1), termSortKey(9)].sort(),
  );
  expect(new Set(rows.map(({ schemaVersion }) => schemaVersion?.N))).toEqual(new Set(["1"]));

  const Key = { pk: { S: NAME }, sk: { S: "lease" } };
  await client.send(
    new UpdateItemCommand({ TableName: table, Key, UpdateExpression: "REMOVE schemaVersion" }),
  );
  expect((await store.renew(renewing(2), signal)).done).toBe(true);
  expect((await store.resign({ ...resigning, revision: 3 }, signal)).done).toBe(true);
  expect((await store.acquire(acquiring({ term: 1, revision: 3 }), signal)).done).toBe(true);
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
  expect(Item?.schemaVersion).toEqual({ N: "1" });
});

test("attributes that this client does not know survive a renewal, a release, an acquire and all other writes", async () => {
  const { store, table } = await onDynamoDB();
  await found(store);
  await store.drawArrival(NAME, signal);
  await store.writeCandidate(NAME, candidate("a"), signal);
  const added = { lastWill: { M: { by: { S: "a newer client" } } }, tenureOf7: { N: "7" } };
  const keys: Array<[string, string]> = [
    [NAME, "lease"],
    [NAME, "arrival"],
    [NAME, termSortKey(1)],
    [candidatesPartition(NAME), "candidate#a"],
  ];
  for (const key of keys) await edit(table, key, added);
  const expectAll = async () => {
    const rows = await itemsOf(table);
    for (const [, sk] of keys) expect(rows.find((row) => row.sk?.S === sk)).toMatchObject(added);
  };
  const commit = { number: 1, id: "x" };
  const writes: Array<() => Promise<unknown>> = [
    () => store.renew(renewing(2), signal),
    () => store.transact({ ...OWN, commit, actions: [] }, signal),
    () => store.requestStepDown({ election: NAME, term: 1, by: "op" }, signal),
    () =>
      store.pause(
        { election: NAME, by: "op", seen: { kind: "held" as const, term: 1, revision: 2 } },
        signal,
      ),
    () =>
      store.pause(
        {
          election: NAME,
          by: undefined,
          seen: { kind: "held" as const, term: 1, revision: 2, pauseRevision: 1 },
        },
        signal,
      ),
    () => store.resign({ ...resigning, revision: 3 }, signal),
    () => store.acquire(acquiring({ term: 1, revision: 3 }), signal),
    () => store.evict({ election: NAME, term: 2, at: 1 }, signal),
    () => store.recordTerm(NAME, { term: 1, endReason: "resigned", ttl: 9_999_999_999 }, signal),
    () => store.writeCandidate(NAME, { ...candidate("a"), heartbeat: 2 }, signal),
    () => store.drawArrival(NAME, signal),
  ];
  for (const write of writes) {
    expect(await write()).not.toMatchObject({ done: false });
    await expectAll();
  }
});

test("a counter of a higher version is told of, and is not lowered", async () => {
  const { store, table } = await onDynamoDB();
  await store.drawArrival(NAME, signal);
  await edit(table, [NAME, "arrival"], NEWER);
  for (let i = 0; i < 2; i++) {
    await expect(store.drawArrival(NAME, signal)).rejects.toMatchObject({ ...REFUSED, row: "arrival" });
  }
});

test("a version that is no version is a malformed row", async () => {
  const { store, table } = await onDynamoDB();
  await found(store);
  for (const schemaVersion of [{ N: "0" }, { N: "1.5" }, { S: "2" }]) {
    await edit(table, [NAME, "lease"], { schemaVersion });
    await expect(store.read(NAME, { consistent: true }, signal)).rejects.toMatchObject({
      code: "MALFORMED_LEASE",
      attribute: "schemaVersion",
    });
  }
});

test("who meets a row of a higher version is told what to do, in each view and call", async () => {
  const { store, table, raiseLease } = await onDynamoDB();
  await found(store);
  await raiseLease();
  const election = new Election({ client, tableName: table, name: NAME });
  const operator = new Operator({ client, tableName: table, name: NAME });
  const calls: Array<() => Promise<unknown>> = [
    () => election.campaign(),
    () => election.tryCampaign(),
    () => election.lead(() => {}),
    () => election.tryLead(() => {}),
    () => election.runOnce("2026-01-31", () => {}),
    () => election.leader(),
    () => election.observe().next(),
    () => election.history(),
    () => election.candidates(),
    () => operator.requestStepDown(),
    () => operator.evict(),
    () => operator.pause(),
    () => operator.resume(),
    () => operator.resetTick(),
  ];
  for (const call of calls) {
    const error: unknown = await call().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ ...LEASE, name: "SchemaVersionError" });
    expect((error as Error).message).toBe(
      `Row "lease" of "billing/nightly" has schemaVersion 3, and this version of incumbent understands up to 2. ` +
        `Suggestion: upgrade incumbent here. The row was left as it is.`,
    );
  }
  const commands = [
    ["status", NAME],
    ["status"],
    ["status", NAME, "--watch"],
    ["operate", NAME, "evict"],
  ].map((words) => incumbent(...words, "--table", table));
  for (const command of commands) {
    expect(await command.exited).toBe(1);
    expect(command.err).toMatch(
      /^incumbent: Row "lease" of [^\n]*Suggestion: upgrade incumbent here\.[^\n]*\n$/,
    );
  }
});

test("the monitor tells of rows of a higher version, and reports the other elections", async () => {
  const { store, table, raiseLease, raiseTerm } = await onDynamoDB();
  await found(store);
  await raiseTerm(1);
  await raiseLease();
  const other = { election: "other", revision: 77, leaseDurationMs: 3_000, renewIntervalMs: 1_000 };
  await store.createPlaceholder(other, signal);
  await store.acquire(
    { ...acquiring({ term: 0, revision: 77, founding: { highestTerm: 0 } }), election: "other" },
    signal,
  );
  const rows = [];
  for await (const row of new TableReader(client, table).rows({ termsWithinMs: Date.now() })) rows.push(row);
  const { known, malformed } = byElection(rows);
  expect(known.map(figuresOf)).toMatchObject([{ election: "other", term: 1, termsPerHour: 0 }]);
  expect(malformed.map(({ key }) => key).sort()).toEqual(
    [`${NAME} ${termSortKey(1)}`, `${NAME} lease`].sort(),
  );
  for (const { problem } of malformed) expect(problem).toContain("Suggestion: upgrade incumbent here.");
});

test("a leader whose row gets a higher version ends when its trust does, and its campaign is refused", async () => {
  const stage = new Stage();
  const { election, events } = stage.candidate("a");
  let signalled: unknown;
  const leading = election
    .lead(
      (leadership) =>
        new Promise<void>((resolve) => {
          leadership.signal.addEventListener("abort", () => {
            signalled = leadership.signal.reason;
            resolve();
          });
        }),
    )
    .catch((error: unknown) => error);
  await stage.until(() => election.role === "leader");
  const { lease } = await stage.table.read(NAME);
  if (lease) stage.table.restore(NAME, { ...lease, schemaVersion: 3 });
  await stage.until(() => signalled !== undefined);
  expect(signalled).toMatchObject({ code: "LEASE_LOST", reason: "expired" });
  expect(events.find(({ type }) => type === "renewal-failed")).toMatchObject({ error: LEASE });
  await stage.advance(100);
  expect(await leading).toMatchObject(LEASE);
});
