import { PutItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { Election, InvalidOptionError } from "../../src/index.js";
import { MIN_RELEASE_IN_MS, NAME_PATTERN } from "../../src/limits.js";
import type { AcquireRequest, CandidateRow, PauseRequest, RenewRequest } from "../../src/protocol/verbs.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { candidatesPartition } from "../../src/store/schema.js";
import { MemoryTable } from "../../src/testing/index.js";
import { newClient, newLeaseTable } from "../support/fixture.js";
import { factsOf } from "../support/lease.js";

/** One suite for both stores: the rows beside the lease, and what the lease row says of the succession. */

const NAME = "billing/nightly";
const LEASE_MS = 3_000;
const signal = new AbortController().signal;
const client = newClient();

const onDynamoDB = async (): Promise<LeaseStore> => dynamoDBLeaseStore(client, await newLeaseTable(client));
const inMemory = async (): Promise<LeaseStore> => new MemoryTable();

const candidate = (candidateId: string, facts: Partial<CandidateRow> = {}): CandidateRow => ({
  candidateId,
  label: `label of ${candidateId}`,
  arrival: 1,
  rank: 0,
  eligible: true,
  heartbeat: 1,
  refreshIntervalMs: LEASE_MS,
  ...facts,
});

const FOUNDING = { term: 0, revision: 77, founding: { highestTerm: 0 } };
const acquiring = ({ basis = FOUNDING, ...request }: Partial<AcquireRequest> = {}): AcquireRequest => ({
  election: NAME,
  candidateId: "a",
  attemptId: crypto.randomUUID().slice(0, 12),
  basis,
  term: basis.term + 1,
  leaseDurationMs: LEASE_MS,
  renewIntervalMs: 1_000,
  value: undefined,
  expiresAt: 13_000,
  at: 10_000,
  ...request,
});

async function found(store: LeaseStore) {
  await store.createPlaceholder(
    { election: NAME, revision: 77, leaseDurationMs: LEASE_MS, renewIntervalMs: 1_000 },
    signal,
  );
  return store.acquire(acquiring(), signal);
}

const renewing = (revision: number, request: Partial<RenewRequest> = {}): RenewRequest => ({
  election: NAME,
  candidateId: "a",
  term: 1,
  revision,
  renewIntervalMs: 1_000,
  value: undefined,
  expiresAt: 14_000,
  at: 11_000,
  ...request,
});

/** `times`: how often the row was paused or resumed before. */
const pausing = (by: string | undefined, times?: number, term = 1, revision = 77): PauseRequest => ({
  election: NAME,
  by,
  seen: { kind: term === 0 ? "placeholder" : "held", term, revision, pauseRevision: times },
});

const resigning = { election: NAME, candidateId: "a", term: 1, reason: "handed-off", at: 12_000 } as const;
const leaseOf = async (store: LeaseStore) =>
  factsOf((await store.read(NAME, { consistent: true }, signal)).lease);
/** What is there: absent facts may be absent, or undefined. */
const known = (row: object | undefined) => JSON.parse(JSON.stringify(row ?? null)) as unknown;

describe.each([
  ["DynamoDBLeaseStore", onDynamoDB],
  ["MemoryTable", inMemory],
] as const)("%s", (_name, make) => {
  test("numbers of arrival are drawn once each, also at the same time, and per election", async () => {
    const store = await make();
    const drawn = await Promise.all(Array.from({ length: 20 }, () => store.drawArrival(NAME, signal)));
    expect(drawn.map(({ arrival }) => arrival).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect((await store.drawArrival("other", signal)).arrival).toBe(1);
    // The counter is no candidate, no term and no lease.
    expect((await store.readCandidates(NAME, signal)).candidates).toEqual([]);
    expect((await store.readTerms(NAME, { limit: 9 }, signal)).terms).toEqual([]);
    expect(await leaseOf(store)).toBeUndefined();
  });

  test("a candidate's row comes back as it was written, and says no more than was written last", async () => {
    const store = await make();
    const full = candidate("a", {
      rank: -1.5,
      eligible: false,
      group: "eu-west-1",
      value: "http://a",
      expiresAt: 5_000,
      ttl: 9,
    });
    await store.writeCandidate(NAME, full, signal);
    expect((await store.readCandidates(NAME, signal)).candidates.map(known)).toEqual([known(full)]);
    const nothing = { group: undefined, value: undefined, expiresAt: undefined, ttl: undefined };
    const bare = candidate("a", { ...nothing, heartbeat: 2 });
    await store.writeCandidate(NAME, bare, signal);
    expect((await store.readCandidates(NAME, signal)).candidates.map(known)).toEqual([known(bare)]);
  });

  test("candidates are those of their election, all of them", async () => {
    const store = await make();
    const ids = Array.from({ length: 30 }, (_, i) => `c-${String(i).padStart(2, "0")}`);
    await Promise.all(ids.map((id) => store.writeCandidate(NAME, candidate(id), signal)));
    await store.writeCandidate(`${NAME}/other`, candidate("stranger"), signal);
    await found(store);
    const { candidates } = await store.readCandidates(NAME, signal);
    expect(candidates.map(({ candidateId }) => candidateId).sort()).toEqual(ids);
  });

  test("a candidate's row is deleted, once and for all that its writer told; others stay", async () => {
    const store = await make();
    for (const id of ["a", "b"]) await store.writeCandidate(NAME, candidate(id, { heartbeat: 3 }), signal);
    await store.writeCandidate("other", candidate("a"), signal);
    const ids = async (election = NAME) =>
      (await store.readCandidates(election, signal)).candidates.map(({ candidateId }) => candidateId);
    for (let times = 0; times < 2; times++) {
      await store.deleteCandidate(NAME, { candidateId: "a", heartbeat: 3 }, signal);
      expect(await ids()).toEqual(["b"]);
    }
    await store.deleteCandidate(NAME, { candidateId: "nobody", heartbeat: 3 }, signal);
    await store.deleteCandidate("none", { candidateId: "b", heartbeat: 3 }, signal);
    expect([await ids(), await ids("other"), await ids("none")]).toEqual([["b"], ["a"], []]);
    // The counter goes on.
    await store.drawArrival(NAME, signal);
    await store.deleteCandidate(NAME, { candidateId: "b", heartbeat: 3 }, signal);
    expect((await store.drawArrival(NAME, signal)).arrival).toBe(2);
  });

  test("a row that was refreshed after the heartbeat that was seen is not deleted", async () => {
    const store = await make();
    await store.writeCandidate(NAME, candidate("a", { heartbeat: 4 }), signal);
    await store.deleteCandidate(NAME, { candidateId: "a", heartbeat: 3 }, signal);
    expect((await store.readCandidates(NAME, signal)).candidates).toMatchObject([
      { candidateId: "a", heartbeat: 4 },
    ]);
    await store.deleteCandidate(NAME, { candidateId: "a", heartbeat: 5 }, signal);
    expect((await store.readCandidates(NAME, signal)).candidates).toEqual([]);
  });

  test("a refresh that arrives after the deletion brings the row back as it was, heartbeat and end", async () => {
    const store = await make();
    const late = candidate("a", { heartbeat: 3, expiresAt: 5_000, ttl: 9 });
    await store.writeCandidate(NAME, late, signal);
    await store.deleteCandidate(NAME, late, signal);
    await store.writeCandidate(NAME, late, signal);
    expect((await store.readCandidates(NAME, signal)).candidates.map(known)).toEqual([known(late)]);
  });

  test("1,200 candidates are all read", async () => {
    const store = await make();
    const ids = Array.from({ length: 1_200 }, (_, i) => `c-${String(i).padStart(4, "0")}`);
    await inParallel(ids, (id) => store.writeCandidate(NAME, candidate(id), signal));
    const { candidates } = await store.readCandidates(NAME, signal);
    expect(candidates.map(({ candidateId }) => candidateId).sort()).toEqual(ids);
  });

  test("rows that take more than one page are all read", async () => {
    const store = await make();
    const ids = Array.from({ length: 8 }, (_, i) => `c-${i}`);
    // A page is one megabyte.
    const value = "x".repeat(300_000);
    await inParallel(ids, (id) => store.writeCandidate(NAME, candidate(id, { value }), signal));
    const { candidates } = await store.readCandidates(NAME, signal);
    expect(candidates.map(({ candidateId }) => candidateId).sort()).toEqual(ids);
  });

  test("terms are read latest first, between bounds that are not part of it, and not more than asked for", async () => {
    const store = await make();
    for (const term of [1, 2, 4, 9, 10, 11])
      await store.recordTerm(NAME, { term, holder: `h${term}` }, signal);
    const terms = async (range: Parameters<LeaseStore["readTerms"]>[1]) =>
      (await store.readTerms(NAME, range, signal)).terms.map(({ term }) => term);
    expect(await terms({ limit: 100 })).toEqual([11, 10, 9, 4, 2, 1]);
    expect(await terms({ limit: 2 })).toEqual([11, 10]);
    expect(await terms({ before: 10, limit: 100 })).toEqual([9, 4, 2, 1]);
    expect(await terms({ after: 2, limit: 100 })).toEqual([11, 10, 9, 4]);
    expect(await terms({ after: 2, before: 10, limit: 1 })).toEqual([9]);
    expect(await terms({ after: 4, before: 5, limit: 100 })).toEqual([]);
    expect(await terms({ after: 4, before: 9, limit: 100 })).toEqual([]);
    expect(await terms({ after: 11, limit: 100 })).toEqual([]);
    expect((await store.readTerms("other", { limit: 9 }, signal)).terms).toEqual([]);
  });

  test("what is told of a term piece by piece comes back as one", async () => {
    const store = await make();
    await store.recordTerm(
      NAME,
      { term: 3, holder: "a", electedAt: 1_000, leaseDurationMs: LEASE_MS },
      signal,
    );
    await store.recordTerm(
      NAME,
      { term: 3, endReason: "rotated", endedAt: 2_000, lastRenewedAt: 1_900 },
      signal,
    );
    const { terms } = await store.readTerms(NAME, { limit: 9 }, signal);
    expect(terms.map(known)).toEqual([
      {
        term: 3,
        holder: "a",
        electedAt: 1_000,
        leaseDurationMs: LEASE_MS,
        endReason: "rotated",
        endedAt: 2_000,
        lastRenewedAt: 1_900,
      },
    ]);
  });

  test("the line: written with a renewal, kept by those that do not name it and by the next acquire", async () => {
    const store = await make();
    await found(store);
    expect((await leaseOf(store))?.line).toBeUndefined();
    await store.renew(renewing(2, { line: ["b", "c"] }), signal);
    expect((await leaseOf(store))?.line).toEqual(["b", "c"]);
    await store.renew(renewing(3), signal);
    expect((await leaseOf(store))?.line).toEqual(["b", "c"]);
    await store.resign({ ...resigning, revision: 4 }, signal);
    const taken = await store.acquire(
      acquiring({ candidateId: "b", basis: { term: 1, revision: 4 } }),
      signal,
    );
    expect(taken).toMatchObject({ done: true, lease: { holder: "b", line: ["b", "c"] } });
    await store.renew(renewing(6, { candidateId: "b", term: 2, line: [] }), signal);
    expect((await leaseOf(store))?.line).toEqual([]);
  });

  test("an announcement stands while renewals repeat it, and not beyond that or the term", async () => {
    const store = await make();
    await found(store);
    await store.renew(renewing(2, { announcement: { inMs: 1_050, to: "c" } }), signal);
    expect(await leaseOf(store)).toMatchObject({ announcement: { inMs: 1_050, to: "c" } });
    await store.renew(renewing(3, { announcement: { inMs: 0 } }), signal);
    expect(known(await leaseOf(store))).toMatchObject({ announcement: { inMs: 0 } });
    expect((await leaseOf(store))?.announcement?.to).toBeUndefined();
    // The work drains, and the moment lies behind.
    await store.renew(renewing(4, { announcement: { inMs: -7_500 } }), signal);
    expect((await leaseOf(store))?.announcement?.inMs).toBe(-7_500);
    await store.renew(renewing(5), signal);
    expect((await leaseOf(store))?.announcement).toBeUndefined();
    await store.renew(renewing(6, { announcement: { inMs: 9, to: "c" } }), signal);
    await store.resign({ ...resigning, revision: 7 }, signal);
    await store.acquire(acquiring({ candidateId: "b", basis: { term: 1, revision: 7 } }), signal);
    const last = await leaseOf(store);
    expect([last?.holder, last?.announcement]).toEqual(["b", undefined]);
  });

  test.each([
    ["a candidate", { candidateId: "c" }],
    ["a group", { group: "eu" }],
  ])("a reservation for %s is written by the resignation and gone with the next term", async (_, whom) => {
    const store = await make();
    await found(store);
    const reservation = { ...whom, forMs: 3_150, until: 15_150 };
    await store.resign({ ...resigning, revision: 2, reservation }, signal);
    const vacant = await leaseOf(store);
    expect(vacant?.endReason).toBe("handed-off");
    // No other fact of a reservation.
    expect(vacant?.reservation).toEqual({ candidateId: undefined, group: undefined, ...reservation });
    await store.acquire(acquiring({ candidateId: "c", basis: { term: 1, revision: 2 } }), signal);
    const taken = known(await leaseOf(store)) as object;
    expect(Object.keys(taken).filter((name) => name.startsWith("reserv") || name.startsWith("end"))).toEqual(
      [],
    );
  });

  test("a reservation whose end nobody can tell by the table's clock has its length alone", async () => {
    const store = await make();
    await found(store);
    const reservation = { candidateId: "c", forMs: 500, until: undefined };
    await store.resign({ ...resigning, revision: 2, reservation }, signal);
    const vacant = await leaseOf(store);
    expect(vacant?.reservation).toEqual({ candidateId: "c", group: undefined, forMs: 500, until: undefined });
  });

  test("whom a step-down should be to comes with it, and is forgotten by the next one without", async () => {
    const store = await make();
    await found(store);
    await store.requestStepDown({ election: NAME, term: 1, by: "ana", to: "c" }, signal);
    expect((await leaseOf(store))?.stepDown).toEqual({ by: "ana", to: "c" });
    await store.requestStepDown({ election: NAME, term: 1, by: "bo" }, signal);
    expect(known((await leaseOf(store))?.stepDown)).toEqual({ by: "bo" });
    // A renewal brings it to the holder, and leaves it there.
    const renewed = await store.renew(renewing(2), signal);
    expect(known(factsOf(renewed.lease)?.stepDown)).toEqual({ by: "bo" });
  });

  test("while paused nobody acquires: neither a vacant lease, nor a dead holder's, nor one's own", async () => {
    const store = await make();
    await found(store);
    expect(await store.pause(pausing("ana"), signal)).toMatchObject({
      done: true,
      lease: { pausedBy: "ana", pauseRevision: 1 },
    });
    for (const candidateId of ["b", "a"]) {
      const refused = await store.acquire(
        acquiring({ candidateId, basis: { term: 1, revision: 1 } }),
        signal,
      );
      expect(refused).toMatchObject({ done: false, lease: { term: 1, holder: "a", pausedBy: "ana" } });
    }
    // The holder may renew, to work on while it winds up, and give back.
    expect(await store.renew(renewing(2), signal)).toMatchObject({ done: true, lease: { pausedBy: "ana" } });
    expect((await store.resign({ ...resigning, reason: "paused", revision: 3 }, signal)).done).toBe(true);
    const basis = { term: 1, revision: 3 };
    expect((await store.acquire(acquiring({ candidateId: "b", basis }), signal)).done).toBe(false);
    expect(known((await store.pause(pausing(undefined, 1), signal)).lease)).not.toHaveProperty("pausedBy");
    expect((await store.acquire(acquiring({ candidateId: "b", basis }), signal)).done).toBe(true);
  });

  test("while paused nobody founds the election", async () => {
    const store = await make();
    await store.createPlaceholder(
      { election: NAME, revision: 77, leaseDurationMs: LEASE_MS, renewIntervalMs: 1_000 },
      signal,
    );
    await store.pause(pausing("ana", undefined, 0), signal);
    const refused = await store.acquire(acquiring(), signal);
    expect(refused).toMatchObject({ done: false, lease: { term: 0, pausedBy: "ana" } });
    expect((await store.readTerms(NAME, { limit: 9 }, signal)).terms).toEqual([]);
    await store.pause(pausing(undefined, 1, 0), signal);
    expect(await store.acquire(acquiring(), signal)).toMatchObject({
      done: true,
      lease: { term: 1, holder: "a" },
    });
    // What was asked of the placeholder is older than the tenure, and the number goes on.
    expect((await leaseOf(store))?.pauseRevision).toBe(2);
    expect((await store.pause(pausing("ana", 2, 0), signal)).done).toBe(false);
    expect((await store.pause(pausing("ana", undefined, 1), signal)).done).toBe(false);
    expect((await store.pause(pausing("ana", 2, 1), signal)).done).toBe(true);
  });

  test("where there is no row there is nothing to pause, and none is made", async () => {
    const store = await make();
    for (const by of ["ana", undefined]) {
      const refused = await store.pause(pausing(by), signal);
      expect(refused.done).toBe(false);
      expect(refused.lease).toBeUndefined();
    }
    expect(await leaseOf(store)).toBeUndefined();
  });

  test("a pause or a resume that comes late is refused with the row, and undoes nothing", async () => {
    const store = await make();
    await found(store);
    await store.pause(pausing("ana"), signal);
    await store.pause(pausing(undefined, 1), signal);
    for (const late of [pausing("ana"), pausing("ana", 1), pausing("bo", 3), pausing("bo", 2, 2)]) {
      const refused = await store.pause(late, signal);
      expect(refused.done).toBe(false);
      expect(known(refused.lease)).toMatchObject({ term: 1, pauseRevision: 2 });
      expect(known(refused.lease)).not.toHaveProperty("pausedBy");
    }
    await store.pause(pausing("bo", 2), signal);
    expect((await store.pause(pausing(undefined, 1), signal)).done).toBe(false);
    expect(await leaseOf(store)).toMatchObject({ pausedBy: "bo", pauseRevision: 3 });
    // The number outlives the pause's end and the tenure.
    await store.pause(pausing(undefined, 3), signal);
    await store.resign({ ...resigning, revision: 2 }, signal);
    await store.acquire(acquiring({ candidateId: "b", basis: { term: 1, revision: 2 } }), signal);
    expect(await leaseOf(store)).toMatchObject({ term: 2, holder: "b", pauseRevision: 4 });
  });

  test("a placeholder is told from the one before it, though both were paused as often", async () => {
    const store = await make();
    await store.createPlaceholder(
      { election: NAME, revision: 77, leaseDurationMs: LEASE_MS, renewIntervalMs: 1_000 },
      signal,
    );
    const before = known(await leaseOf(store));
    expect((await store.pause(pausing("ana", undefined, 0, 76), signal)).done).toBe(false);
    expect(known(await leaseOf(store))).toEqual(before);
    expect((await store.pause(pausing("ana", undefined, 0, 77), signal)).done).toBe(true);
    expect((await store.pause(pausing(undefined, 1, 0, 76), signal)).done).toBe(false);
    expect((await leaseOf(store))?.pausedBy).toBe("ana");
  });

  test("an announcement is told as far back as a holder writes it, and a row that says so is read", async () => {
    const store = await make();
    await found(store);
    await store.renew(renewing(2, { announcement: { inMs: MIN_RELEASE_IN_MS } }), signal);
    expect((await leaseOf(store))?.announcement?.inMs).toBe(MIN_RELEASE_IN_MS);
  });

  test("a pause or a step-down leaves the pair alone: no observer takes it for a sign of life", async () => {
    const store = await make();
    await found(store);
    await store.pause(pausing("ana"), signal);
    await store.requestStepDown({ election: NAME, term: 1, by: "ana" }, signal);
    await store.pause(pausing(undefined, 1), signal);
    expect(await leaseOf(store)).toMatchObject({ term: 1, revision: 1 });
  });

  test("answers of the registry carry the table's time, to the second", async () => {
    const store = await make();
    await found(store);
    for (const { dateMs } of [
      await store.drawArrival(NAME, signal),
      await store.writeCandidate(NAME, candidate("a"), signal),
      await store.readCandidates(NAME, signal),
      await store.deleteCandidate(NAME, { candidateId: "a", heartbeat: 0 }, signal),
      await store.deleteCandidate(NAME, { candidateId: "a", heartbeat: 1 }, signal),
      await store.readTerms(NAME, { limit: 9 }, signal),
      await store.pause(pausing("ana"), signal),
      await store.pause({ ...pausing("ana"), election: "none" }, signal),
    ]) {
      expect(dateMs).toEqual(expect.any(Number));
      expect((dateMs as number) % 1_000).toBe(0);
    }
  });
});

test("rows that are no candidate's are left out, whoever wrote them, and break nothing", async () => {
  const tableName = await newLeaseTable(client);
  const store = dynamoDBLeaseStore(client, tableName);
  await store.writeCandidate(NAME, candidate("a"), signal);
  const good = {
    candidateId: { S: "x" },
    arrival: { N: "1" },
    heartbeat: { N: "1" },
    refreshIntervalMs: { N: "1000" },
  };
  const bad = [
    {},
    { ...good, candidateId: { N: "7" } },
    { ...good, arrival: { S: "1" } },
    { ...good, heartbeat: { L: [] } },
  ];
  for (const [i, facts] of bad.entries()) {
    const Item = { pk: { S: candidatesPartition(NAME) }, sk: { S: `candidate#bad-${i}` }, ...facts };
    await client.send(new PutItemCommand({ TableName: tableName, Item }));
  }
  expect((await store.readCandidates(NAME, signal)).candidates.map(({ candidateId }) => candidateId)).toEqual(
    ["a"],
  );
});

test("candidates have a partition of their own, and no election's name can be that of another one's candidates", async () => {
  const tableName = await newLeaseTable(client);
  const store = dynamoDBLeaseStore(client, tableName);
  await store.drawArrival(NAME, signal);
  await store.writeCandidate(NAME, candidate("a"), signal);
  await found(store);
  const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName }));
  expect(Items.map(({ pk, sk }) => `${pk?.S} ${sk?.S}`).sort()).toEqual([
    "billing/nightly arrival",
    "billing/nightly lease",
    "billing/nightly term#000000000001",
    "billing/nightly#candidates candidate#a",
  ]);
  expect(() => new Election({ store, name: candidatesPartition(NAME) })).toThrow(InvalidOptionError);
  expect(NAME_PATTERN.test(candidatesPartition("a"))).toBe(false);
});

test("candidates' rows where an earlier version put them are nobody's: no candidate, no term, no lease", async () => {
  const tableName = await newLeaseTable(client);
  const store = dynamoDBLeaseStore(client, tableName);
  const old = {
    candidateId: { S: "old" },
    arrival: { N: "1" },
    heartbeat: { N: "1" },
    refreshIntervalMs: { N: "1000" },
  };
  const Item = { pk: { S: NAME }, sk: { S: "candidate#old" }, ...old, left: { BOOL: false } };
  await client.send(new PutItemCommand({ TableName: tableName, Item }));
  await store.writeCandidate(NAME, candidate("a"), signal);
  await found(store);
  expect((await store.readCandidates(NAME, signal)).candidates.map(({ candidateId }) => candidateId)).toEqual(
    ["a"],
  );
  expect((await store.readTerms(NAME, { limit: 9 }, signal)).terms.map(({ term }) => term)).toEqual([1]);
  expect((await store.readHistory(NAME, signal)).history.highestTerm).toBe(1);
  expect((await leaseOf(store))?.term).toBe(1);
});

/** Some at a time: a table on this machine takes no more. */
async function inParallel<T>(all: readonly T[], each: (one: T) => Promise<unknown>): Promise<void> {
  const waiting = [...all];
  const worker = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await each(next);
  };
  await Promise.all(Array.from({ length: 20 }, worker));
}
