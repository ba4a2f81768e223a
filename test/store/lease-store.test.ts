import { randomUUID } from "node:crypto";
import { DeleteItemCommand, PutItemCommand, QueryCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { IncumbentError } from "../../src/errors.js";
import { EVICTION_STEP, MAX_TERM } from "../../src/limits.js";
import type { Lease } from "../../src/protocol/lease.js";
import type { Basis } from "../../src/protocol/move.js";
import type { RecordedTickReset } from "../../src/protocol/ticks.js";
import type {
  AcquireRequest,
  PlaceholderRequest,
  RenewRequest,
  TermRecord,
  Transacted,
} from "../../src/protocol/verbs.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { TransactionAction } from "../../src/store/fencing.js";
import type { LeaseStore, TransactRequest } from "../../src/store/lease-store.js";
import { type Action, toAction } from "../../src/store/transaction.js";
import { MemoryTable } from "../../src/testing/index.js";
import { leaseRow, newClient, newLeaseTable, newTable } from "../support/fixture.js";
import { type Facts, factsOf } from "../support/lease.js";

/** One suite for both stores: what holds for the real table holds for the one in memory. */

type Row = Record<string, unknown>;

/** A store, and what stands in its table: every attribute there is, in plain values. */
interface Subject {
  readonly store: LeaseStore;
  /** A user's table, keyed by `id`. */
  readonly ledger: string;
  row(): Promise<Row | undefined>;
  terms(): Promise<Row[]>;
  items(): Promise<Row[]>;
  deleteLease(): Promise<void>;
}

const NAME = "billing/nightly";
const LEASE_MS = 3_000;
const signal = new AbortController().signal;
const client = newClient();

async function onDynamoDB(): Promise<Subject & { readonly leases: string }> {
  const [leases, ledger] = await Promise.all([newLeaseTable(client), newTable(client)]);
  return {
    leases,
    ledger,
    store: dynamoDBLeaseStore(client, leases),
    async row() {
      const item = await leaseRow(client, leases, NAME);
      return item && withoutKey(unmarshall(item));
    },
    terms: () => termRows(leases, NAME),
    items: () => itemRows(ledger),
    deleteLease: () => deleteLease(leases, NAME),
  };
}

/** The version has a test of its own: test/store/schema-version.test.ts. */
const withoutKey = ({ pk, sk, schemaVersion, ...row }: Row): Row => row;

async function termRows(TableName: string, name: string): Promise<Row[]> {
  const { Items } = await client.send(
    new QueryCommand({
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: "pk = :pk AND begins_with(sk, :term)",
      ExpressionAttributeValues: { ":pk": { S: name }, ":term": { S: "term#" } },
    }),
  );
  return (Items ?? []).map((item) => withoutKey(unmarshall(item)));
}

async function itemRows(TableName: string, prefix = ""): Promise<Row[]> {
  const { Items } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }));
  return sorted((Items ?? []).map((item) => unmarshall(item))).filter(({ id }) =>
    String(id).startsWith(prefix),
  );
}

async function deleteLease(TableName: string, name: string): Promise<void> {
  const Key = { pk: { S: name }, sk: { S: "lease" } };
  await client.send(new DeleteItemCommand({ TableName, Key }));
}

async function inMemory(): Promise<Subject> {
  const table = new MemoryTable({ keys: { ledger: ["id"] } });
  return {
    ledger: "ledger",
    store: table,
    async row() {
      const { lease } = await table.read(NAME);
      if (lease === undefined) return undefined;
      return present(asWritten(lease));
    },
    terms: async () => table.terms(NAME).map(termAsWritten),
    items: async () => sorted(table.items("ledger")),
    deleteLease: async () => table.deleteLease(NAME),
  };
}

/** The facts of a row: which state they make is the store's reading, and stands in no table. */
function withoutKind(lease: Lease | undefined): Facts {
  const { kind, ...facts } = { kind: undefined, ...lease };
  return facts;
}

function termAsWritten({ tickReset, ...term }: TermRecord): Row {
  const { by: tickResetBy, at: tickResetAt, to: tickResetTo, revision: tickResetRevision } = tickReset ?? {};
  return present({ ...term, tickResetBy, tickResetAt, tickResetTo, tickResetRevision });
}

/** Under the names that the attributes have in the table. */
function asWritten(lease: Lease | undefined): Row {
  const { lastCommit, commitBefore, stepDown, isAwaited, isAcknowledged, ticks, tickReset, ...row } =
    withoutKind(lease);
  const { term: commitTerm, number: commitNumber, id: commitId } = lastCommit ?? {};
  return {
    ...row,
    stepDownBy: stepDown?.by,
    awaitedTerm: isAwaited && row.term,
    acknowledgedTerm: isAcknowledged && (row.term ?? 0) - 1,
    ...{ commitTerm, commitNumber, commitId },
    ...{ tickFloor: ticks?.floor, ticks: ticks?.completed.length ? ticks.completed : undefined },
    ...{ tickResetTerm: tickReset?.term, tickResetBy: tickReset?.by, tickResetAt: tickReset?.at },
    tickResetId: tickReset?.id,
  };
}

const present = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
const sorted = (items: Row[]) => items.sort((a, b) => String(a.id).localeCompare(String(b.id)));

/** The pair of a placeholder. */
const PLACE = { term: 0, revision: 77 };

const placing = (request: Partial<PlaceholderRequest> = {}): PlaceholderRequest => ({
  election: NAME,
  revision: PLACE.revision,
  leaseDurationMs: LEASE_MS,
  renewIntervalMs: 1_000,
  ...request,
});

const FOUNDING: Basis = { ...PLACE, founding: { highestTerm: 0 } };

/** Of the term that follows what was seen, unless told otherwise. */
const acquiring = ({ basis = FOUNDING, ...request }: Partial<AcquireRequest> = {}): AcquireRequest => ({
  election: NAME,
  candidateId: "a",
  // Also the token of a transaction, which DynamoDB knows in all tables alike.
  attemptId: randomUUID().slice(0, 12),
  basis,
  term: (basis.founding?.highestTerm ?? basis.term) + 1,
  leaseDurationMs: LEASE_MS,
  renewIntervalMs: 1_000,
  value: "http://a",
  expiresAt: 13_000,
  at: 10_000,
  ...request,
});

/** The first tenure of an election. */
async function found(store: LeaseStore, request: Partial<AcquireRequest> = {}) {
  await store.createPlaceholder(placing(request.election ? { election: request.election } : {}), signal);
  return store.acquire(acquiring(request), signal);
}

const renewing = (request: Partial<RenewRequest> = {}): RenewRequest => ({
  election: NAME,
  candidateId: "a",
  term: 1,
  revision: 2,
  renewIntervalMs: 990,
  value: "http://a",
  expiresAt: 14_000,
  at: 11_000,
  ...request,
});

const resigning = { election: NAME, candidateId: "a", term: 1, revision: 2, reason: "resigned" } as const;

/** The row that `placing()` leaves. */
const PLACEHOLDER = { ...PLACE, leaseDurationMs: LEASE_MS, renewIntervalMs: 1_000 };

/** The row that `acquiring()` leaves. */
const ACQUIRED = {
  holder: "a",
  attemptId: expect.any(String) as string,
  term: 1,
  revision: 1,
  leaseDurationMs: LEASE_MS,
  renewIntervalMs: 1_000,
  value: "http://a",
  expiresAt: 13_000,
  electedAt: 10_000,
  renewedAt: 10_000,
};

const committing = (actions: readonly TransactionAction[], request: Partial<TransactRequest> = {}) => ({
  election: NAME,
  candidateId: "a",
  term: 1,
  commit: { number: 1, id: randomUUID() },
  actions: actions.map(toAction),
  ...request,
});

/** As a request that can never pass, or by naming the action: DynamoDB itself does either, by what is wrong. */
async function isRefusedForGood(outcome: Promise<Transacted>): Promise<unknown> {
  try {
    const answer = await outcome;
    return ("refusals" in answer && answer.refusals.at(-1)?.code === "ValidationError") || answer;
  } catch (error) {
    return (error as Partial<IncumbentError>).code === "TRANSACTION_REFUSED" || error;
  }
}

describe.each([
  ["DynamoDBLeaseStore", onDynamoDB],
  ["MemoryTable", inMemory],
] as const)("%s", (_name, subject: () => Promise<Subject>) => {
  test("an answer carries the table's time, to the second", async () => {
    const { store } = await subject();
    const answers = [
      await store.read(NAME, { consistent: true }, signal),
      await store.readHistory(NAME, signal),
      await store.createPlaceholder(placing(), signal),
      await store.createPlaceholder(placing(), signal), // refused
      await store.acquire(acquiring(), signal),
      await store.acquire(acquiring(), signal), // refused
      await store.renew(renewing(), signal),
      await store.requestStepDown({ election: NAME, term: 1, by: "op" }, signal),
      await store.recordTerm(NAME, { term: 1 }, signal),
      await store.transact(committing([]), signal),
      await store.transact(committing([], { term: 9 }), signal), // fenced
      await store.resign({ ...resigning, revision: 3, at: 1 }, signal),
      await store.evict({ election: NAME, term: 1, at: 1 }, signal),
    ];
    for (const { dateMs } of answers) {
      expect(dateMs).toEqual(expect.any(Number));
      expect((dateMs as number) % 1_000).toBe(0);
    }
  });

  test("no row: reads, renewals, resignations, step-downs and evictions find none and make none", async () => {
    const { store, row, terms } = await subject();
    for (const consistent of [true, false]) {
      expect((await store.read(NAME, { consistent }, signal)).lease).toBeUndefined();
    }
    const basis = { term: 1, revision: 1 };
    for (const refused of [
      await store.acquire(acquiring({ basis }), signal),
      await store.renew(renewing(), signal),
      await store.resign({ ...resigning, at: 1 }, signal),
      await store.requestStepDown({ election: NAME, term: 1, by: "op" }, signal),
      await store.evict({ election: NAME, term: 1, at: 1 }, signal),
    ]) {
      expect(refused).toMatchObject({ done: false });
      expect(refused.lease).toBeUndefined();
    }
    expect(await store.transact(committing([]), signal)).toMatchObject({
      done: false,
      fenced: true,
      lease: undefined,
    });
    expect(await row()).toBeUndefined();
    expect(await terms()).toEqual([]);
    expect((await store.readHistory(NAME, signal)).history).toEqual({
      highestTerm: 0,
      longestLeaseMs: 0,
      lastTick: undefined,
    });
  });

  test("a placeholder is nobody's, is made only where there is no row, and cannot be led, ended or evicted", async () => {
    const { store, row, terms } = await subject();
    expect(await store.createPlaceholder(placing(), signal)).toMatchObject({ done: true, lease: PLACE });
    expect(await row()).toEqual(PLACEHOLDER);
    for (const refused of [
      await store.createPlaceholder(placing({ revision: 78 }), signal),
      await store.renew(renewing({ term: 0, revision: 99 }), signal),
      await store.resign({ ...resigning, term: 0, at: 1 }, signal),
      await store.requestStepDown({ election: NAME, term: 0, by: "op" }, signal),
      await store.evict({ election: NAME, term: 0, at: 1 }, signal),
    ]) {
      expect(refused).toMatchObject({ done: false, lease: PLACE });
    }
    expect(await store.transact(committing([], { term: 0 }), signal)).toMatchObject({ fenced: true });
    expect(await row()).toEqual(PLACEHOLDER);
    expect(await terms()).toEqual([]);
  });

  describe("acquire", () => {
    test("a first election: the row and its term's history are made together, whole", async () => {
      const { store, row, terms } = await subject();
      const answer = await found(store);
      expect(answer).toMatchObject({ done: true, lease: ACQUIRED });
      expect(await row()).toEqual(ACQUIRED);
      expect(await terms()).toEqual([{ term: 1, holder: "a", leaseDurationMs: LEASE_MS, electedAt: 10_000 }]);
    });

    test("what is not known is not written: no value, no service time", async () => {
      const { store, row, terms } = await subject();
      const unknown = { value: undefined, expiresAt: undefined, at: undefined };
      const answer = await found(store, unknown);
      const { value, expiresAt, electedAt, renewedAt, ...known } = ACQUIRED;
      expect(await row()).toEqual(known);
      expect(present(withoutKind(answer.lease))).toEqual(known);
      expect(await terms()).toEqual([{ term: 1, holder: "a", leaseDurationMs: LEASE_MS }]);
      // And an acquire of a row removes what the holder before it knew.
      await store.renew(renewing({ value: "x", expiresAt: 5, at: 5 }), signal);
      const basis = { term: 1, revision: 2 };
      await store.acquire(acquiring({ ...unknown, basis }), signal);
      expect(await row()).toEqual({ ...known, term: 2, revision: 3 });
    });

    test("terms go on where history ends, with its tick", async () => {
      const { store, row, terms } = await subject();
      await store.recordTerm(NAME, { term: 41, holder: "z" }, signal);
      const basis = { ...PLACE, founding: { highestTerm: 41, lastTick: "2026-01-01" } };
      expect(await found(store, { basis })).toMatchObject({ done: true });
      expect(await row()).toEqual({ ...ACQUIRED, term: 42, tickFloor: "2026-01-01" });
      expect((await terms()).at(-1)).toEqual({
        term: 42,
        holder: "a",
        leaseDurationMs: LEASE_MS,
        electedAt: 10_000,
        lastTickBefore: "2026-01-01",
      });
    });

    test("founding is refused with the row once the placeholder is gone, and changes nothing", async () => {
      const { store, row, terms } = await subject();
      await found(store);
      for (const highestTerm of [0, 1]) {
        const late = acquiring({ candidateId: "b", basis: { ...PLACE, founding: { highestTerm } } });
        expect(await store.acquire(late, signal)).toMatchObject({ done: false, lease: ACQUIRED });
      }
      expect(await row()).toEqual(ACQUIRED);
      expect(await terms()).toHaveLength(1);
    });

    test("founding is refused on another placeholder than the one that was seen", async () => {
      const { store, row, terms, deleteLease } = await subject();
      await store.createPlaceholder(placing(), signal);
      await deleteLease();
      await store.createPlaceholder(placing({ revision: 78 }), signal);
      const answer = await store.acquire(acquiring(), signal);
      expect(answer).toMatchObject({ done: false, lease: { term: 0, revision: 78 } });
      expect(await row()).toMatchObject({ term: 0, revision: 78 });
      expect(await terms()).toEqual([]);
    });

    test("a term in history is never used again, although its row is gone and the placeholder is back", async () => {
      const { store, row, terms, deleteLease } = await subject();
      await found(store);
      await deleteLease();
      const before = await terms();
      const again = await found(store, { candidateId: "b" });
      expect(again.done).toBe(false);
      expect(again.lease).toBeUndefined();
      expect(await row()).toEqual(PLACEHOLDER);
      expect(await terms()).toEqual(before);
    });

    test("a tick completed since the history was read is not forgotten, although the placeholder is back", async () => {
      const { store, row, terms, deleteLease } = await subject();
      await found(store);
      const early = (await store.readHistory(NAME, signal)).history;
      await store.recordTerm(NAME, { term: 1, lastTick: "t1" }, signal);
      await deleteLease();
      await store.createPlaceholder(placing(), signal);
      const founding = { highestTerm: 1, lastTick: early.lastTick, tickBefore: early.highestTermTick };
      const blind = acquiring({ candidateId: "b", basis: { ...PLACE, founding } });
      expect(await store.acquire(blind, signal)).toMatchObject({ done: false });
      expect(await row()).toEqual(PLACEHOLDER);
      expect(await terms()).toHaveLength(1);
      const { lastTick, highestTermTick: tickBefore } = (await store.readHistory(NAME, signal)).history;
      expect([lastTick, tickBefore]).toEqual(["t1", "t1"]);
      const basis = { ...PLACE, founding: { highestTerm: 1, lastTick, tickBefore } };
      const seeing = await store.acquire(acquiring({ candidateId: "b", basis }), signal);
      expect(seeing).toMatchObject({ done: true, lease: { term: 2, ticks: { floor: "t1", completed: [] } } });
    });

    test("only on the very (term, revision) that was seen: any other pair is refused with the row", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.renew(renewing({ revision: 5 }), signal);
      const before = await row();
      for (const [term, revision] of [
        [1, 4],
        [1, 6],
        [0, 5],
        [2, 5],
        [1, 1],
      ] as const) {
        const basis = { term, revision };
        const answer = await store.acquire(acquiring({ candidateId: "b", basis }), signal);
        expect(answer).toMatchObject({ done: false, lease: { term: 1, revision: 5, holder: "a" } });
      }
      expect(await row()).toEqual(before);
      const basis = { term: 1, revision: 5 };
      const taken = await store.acquire(
        acquiring({ candidateId: "b", attemptId: "b-1", value: "http://b", basis }),
        signal,
      );
      expect(taken.done).toBe(true);
      expect(await row()).toEqual({
        ...ACQUIRED,
        holder: "b",
        attemptId: "b-1",
        value: "http://b",
        term: 2,
        revision: 6,
      });
    });

    test("the term to begin is told: what a candidate has seen before counts, on a row and on a placeholder", async () => {
      const { store, row, terms, deleteLease } = await subject();
      await found(store, { term: 9 });
      expect(await row()).toEqual({ ...ACQUIRED, term: 9 });
      const began = { holder: "a", leaseDurationMs: LEASE_MS, electedAt: 10_000 };
      // The one that follows the history is used up, so that nobody else founds it.
      expect(await terms()).toEqual([{ term: 1 }, { ...began, term: 9 }]);
      const basis = { term: 9, revision: 1 };
      const taken = await store.acquire(acquiring({ candidateId: "b", basis, term: 30 }), signal);
      expect(taken).toMatchObject({ done: true, lease: { holder: "b", term: 30, revision: 2 } });
      await deleteLease();
      await store.createPlaceholder(placing(), signal);
      const goingOn = { ...PLACE, founding: { highestTerm: 9 } };
      expect(await store.acquire(acquiring({ basis: goingOn, term: 31 }), signal)).toMatchObject({
        done: true,
        lease: { term: 31, revision: 1 },
      });
      expect((await terms()).map(({ term }) => term)).toEqual([1, 9, 10, 31]);
    });

    test("of those who have read the same history one founds, whatever terms they have seen before", async () => {
      const { store, row, terms, deleteLease } = await subject();
      await store.recordTerm(NAME, { term: 5 }, signal);
      const basis = { ...PLACE, founding: { highestTerm: 5 } };
      expect(await found(store, { basis, term: 13 })).toMatchObject({ done: true });
      await deleteLease();
      await store.createPlaceholder(placing(), signal);
      const before = await terms();
      for (const term of [6, 10, 13, 20]) {
        const late = await store.acquire(acquiring({ candidateId: "b", basis, term }), signal);
        expect(late).toMatchObject({ done: false, lease: undefined });
      }
      expect(await row()).toEqual(PLACEHOLDER);
      expect(await terms()).toEqual(before);
    });

    test("a late acquire cannot land after a later tenure, though the lease is vacant again", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.resign({ ...resigning, at: 1 }, signal);
      const seen = { term: 1, revision: 2 };
      await store.acquire(acquiring({ candidateId: "b", basis: seen }), signal);
      await store.resign({ ...resigning, candidateId: "b", term: 2, revision: 4, at: 1 }, signal);
      const before = await row();
      const late = await store.acquire(acquiring({ candidateId: "c", basis: seen }), signal);
      expect(late).toMatchObject({ done: false, lease: { term: 2, revision: 4 } });
      expect(await row()).toEqual(before);
    });

    test("the same attempt twice (an SDK's retry) applies once, and the row tells whose it was", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.resign({ ...resigning, at: 1 }, signal);
      const basis = { term: 1, revision: 2 };
      const attempt = acquiring({ attemptId: "a-2", basis });
      expect((await store.acquire(attempt, signal)).done).toBe(true);
      const echo = await store.acquire(attempt, signal);
      expect(echo).toMatchObject({ done: false, lease: { holder: "a", attemptId: "a-2", term: 2 } });
      expect(await row()).toMatchObject({ term: 2, revision: 3 });
    });

    test("no term follows the largest, and no revision one that is too large: refused before anything is written", async () => {
      const { store, row, terms } = await subject();
      await store.recordTerm(NAME, { term: MAX_TERM - 1 }, signal);
      const largest = { ...PLACE, founding: { highestTerm: MAX_TERM - 1 } };
      expect(await found(store, { basis: largest })).toMatchObject({ done: true });
      const [before, history] = [await row(), await terms()];
      const malformed = (attribute: string) => ({ code: "MALFORMED_LEASE", attribute });
      for (const request of [
        { basis: { term: MAX_TERM, revision: 1 } },
        { basis: { term: 1, revision: 1 }, term: MAX_TERM + 1 },
        { basis: { ...PLACE, founding: { highestTerm: MAX_TERM } } },
        { basis: FOUNDING, term: 9e120 },
        { basis: FOUNDING, term: Number.NaN },
      ]) {
        await expect(store.acquire(acquiring(request), signal)).rejects.toMatchObject(malformed("term"));
      }
      const eviction = store.evict({ election: NAME, term: MAX_TERM, at: 1 }, signal);
      await expect(eviction).rejects.toMatchObject(malformed("term"));
      const basis = { term: 1, revision: 2 ** 53 - 1 };
      await expect(store.acquire(acquiring({ basis }), signal)).rejects.toMatchObject(malformed("revision"));
      expect([await row(), await terms()]).toEqual([before, history]);
    });

    test("removes a step-down request and how the last tenure ended; keeps the last tick", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.requestStepDown({ election: NAME, term: 1, by: "op" }, signal);
      expect(await row()).toMatchObject({ stepDownBy: "op" });
      await store.resign({ ...resigning, at: 12, ticks: { completed: ["tick-7"] } }, signal);
      expect(await row()).toMatchObject({ endReason: "resigned", endedAt: 12 });
      const basis = { term: 1, revision: 2 };
      const { lease } = await store.acquire(acquiring({ basis }), signal);
      const expected = { ...ACQUIRED, term: 2, revision: 3, ticks: ["tick-7"], tickTerm: 1 };
      expect(await row()).toEqual(expected);
      expect(present(asWritten(lease))).toEqual(expected);
    });
  });

  describe("renew", () => {
    test("changes revision, interval, end, time and value, and nothing else; the row comes back", async () => {
      const { store, row } = await subject();
      await found(store);
      const answer = await store.renew(renewing({ value: "http://a/2" }), signal);
      const renewed = {
        ...ACQUIRED,
        revision: 2,
        renewIntervalMs: 990,
        value: "http://a/2",
        expiresAt: 14_000,
        renewedAt: 11_000,
      };
      expect(await row()).toEqual(renewed);
      expect(answer.done).toBe(true);
      expect(present(withoutKind(answer.lease))).toEqual(renewed);
    });

    test("takes away a value and an end that are no longer known", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.renew(renewing({ value: undefined, expiresAt: undefined, at: undefined }), signal);
      const { value, expiresAt, renewedAt, ...left } = ACQUIRED;
      expect(await row()).toEqual({ ...left, revision: 2, renewIntervalMs: 990 });
    });

    test("one that arrives late and out of order can never shorten the lease again", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.renew(renewing({ revision: 3, expiresAt: 15_000 }), signal);
      const before = await row();
      for (const revision of [2, 3]) {
        const late = await store.renew(renewing({ revision, expiresAt: 14_000 }), signal);
        expect(late).toMatchObject({ done: false, lease: { revision: 3, expiresAt: 15_000 } });
      }
      expect(await row()).toEqual(before);
    });

    test("one that arrives late never resurrects a released lease", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.resign({ ...resigning, revision: 3, at: 1 }, signal);
      const before = await row();
      for (const revision of [2, 4]) {
        const late = await store.renew(renewing({ revision }), signal);
        expect(late.done).toBe(false);
        expect(factsOf(late.lease)?.holder).toBeUndefined();
      }
      expect(await row()).toEqual(before);
    });

    test("refused, with the row, for another candidate and for another term", async () => {
      const { store, row } = await subject();
      await found(store);
      for (const other of [{ candidateId: "b" }, { term: 2 }, { term: 0 }]) {
        const answer = await store.renew(renewing(other), signal);
        expect(answer).toMatchObject({ done: false, lease: ACQUIRED });
      }
      expect(await row()).toEqual(ACQUIRED);
    });

    test("carries a step-down request home, and does not remove it", async () => {
      const { store } = await subject();
      await found(store);
      await store.requestStepDown({ election: NAME, term: 1, by: "op" }, signal);
      expect(factsOf((await store.renew(renewing(), signal)).lease)?.stepDown).toEqual({ by: "op" });
      expect(factsOf((await store.read(NAME, { consistent: true }, signal)).lease)?.stepDown).toEqual({
        by: "op",
      });
    });
  });

  test("a renewal that was signed ahead never puts the end of the lease back", async () => {
    const { store, row } = await subject();
    await found(store);
    const renewal = { election: NAME, candidateId: "a", term: 1, renewIntervalMs: 1_000, value: undefined };
    const plain = { ...renewal, at: undefined };
    const standIn = { ...plain, isStandIn: true };
    await store.renew({ ...plain, revision: 10, expiresAt: 5_000 }, signal);
    expect((await store.renew({ ...standIn, revision: 11, expiresAt: 4_999 }, signal)).done).toBe(false);
    expect((await store.renew({ ...standIn, revision: 12, expiresAt: 5_000 }, signal)).done).toBe(true);
    // A row that does not say when its lease runs out was written in doubt of the table's time.
    expect((await store.renew({ ...standIn, revision: 13, expiresAt: undefined }, signal)).done).toBe(true);
    expect((await store.renew({ ...standIn, revision: 14, expiresAt: 9_000 }, signal)).done).toBe(false);
    expect(await row()).toMatchObject({ revision: 13 });
    // The holder's own tries decide for themselves.
    expect((await store.renew({ ...plain, revision: 15, expiresAt: 1 }, signal)).done).toBe(true);
  });

  describe("a last will", () => {
    const will = { election: NAME, candidateId: "a", term: 1 };

    test("removes the holder, says that it crashed and tells no time; the pair goes on by one", async () => {
      const { store, row } = await subject();
      await found(store);
      const renewal = { ...will, revision: 7, renewIntervalMs: 1_000, value: undefined };
      await store.renew({ ...renewal, expiresAt: undefined, at: undefined }, signal);
      const { holder, ...left } = (await row()) as Row;
      const answer = await store.crash(will, signal);
      expect(await row()).toEqual({ ...left, revision: 8, endReason: "crashed" });
      expect(answer).toMatchObject({
        done: true,
        lease: { kind: "vacant", revision: 8, endReason: "crashed" },
      });
    });

    test("ends no other term, no other candidate and nothing twice", async () => {
      const { store, row } = await subject();
      await found(store);
      const before = await row();
      for (const late of [
        { ...will, term: 2 },
        { ...will, candidateId: "b" },
      ])
        expect(await store.crash(late, signal)).toMatchObject({ done: false, lease: { holder: "a" } });
      expect(await row()).toEqual(before);
      await store.resign({ ...resigning, at: 1 }, signal);
      const resigned = await row();
      expect(await store.crash(will, signal)).toMatchObject({
        done: false,
        lease: { endReason: "resigned" },
      });
      expect(await row()).toEqual(resigned);
    });

    test("no row: it makes none", async () => {
      const { store, row } = await subject();
      expect(await store.crash(will, signal)).toMatchObject({ done: false, lease: undefined });
      expect(await row()).toBeUndefined();
    });
  });

  describe("resign", () => {
    test("removes the holder and says how it ended; the row stays, whole", async () => {
      const { store, row } = await subject();
      await found(store);
      const answer = await store.resign({ ...resigning, reason: "unhealthy", at: 12_000 }, signal);
      const { holder, ...left } = ACQUIRED;
      const vacant = { ...left, revision: 2, endReason: "unhealthy", endedAt: 12_000 };
      expect(await row()).toEqual(vacant);
      expect(answer.done).toBe(true);
      expect(present(withoutKind(answer.lease))).toEqual(vacant);
    });

    test("by name only it is impossible: another term of the same candidate is not freed", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.resign({ ...resigning, at: 1 }, signal);
      const basis = { term: 1, revision: 2 };
      await store.acquire(acquiring({ attemptId: "a-2", basis }), signal);
      const before = await row();
      for (const late of [
        { ...resigning, revision: 9, at: 1 },
        { ...resigning, candidateId: "b", term: 2, revision: 9, at: 1 },
        { ...resigning, candidateId: "b", revision: 9, at: 1 },
      ]) {
        expect(await store.resign(late, signal)).toMatchObject({
          done: false,
          lease: { holder: "a", term: 2 },
        });
      }
      expect(await row()).toEqual(before);
    });

    test("twice frees once: the second is refused with the vacant row", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.resign({ ...resigning, at: 1 }, signal);
      const before = await row();
      const again = await store.resign({ ...resigning, revision: 3, at: 2 }, signal);
      expect(again).toMatchObject({ done: false, lease: { term: 1, revision: 2 } });
      expect(factsOf(again.lease)?.holder).toBeUndefined();
      expect(await row()).toEqual(before);
    });

    test("records a tick in the same write, and without one keeps the last", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.resign({ ...resigning, at: undefined, ticks: { floor: "t0", completed: ["t1"] } }, signal);
      expect(await row()).toMatchObject({ tickFloor: "t0", ticks: ["t1"], tickTerm: 1 });
      const basis = { term: 1, revision: 2 };
      await store.acquire(acquiring({ basis }), signal);
      await store.resign({ ...resigning, term: 2, revision: 4, at: undefined }, signal);
      expect(await row()).toMatchObject({ tickFloor: "t0", ticks: ["t1"], endReason: "resigned" });
    });
  });

  describe("errors of times", () => {
    test("stand beside the times that they belong to, and the next term has its own", async () => {
      const { store } = await subject();
      await found(store);
      await store.renew(renewing({ atErrorMs: 7 }), signal);
      const read = async () => factsOf((await store.read(NAME, { consistent: true }, signal)).lease);
      expect(await read()).toMatchObject({ renewedErrorMs: 7 });
      await store.resign({ ...resigning, revision: 3, at: 12, atErrorMs: 8 }, signal);
      expect(await read()).toMatchObject({ endedAt: 12, endedErrorMs: 8, renewedErrorMs: 7 });
      await store.acquire(acquiring({ basis: { term: 1, revision: 3 }, atErrorMs: 9 }), signal);
      expect(await read()).toMatchObject({ electedErrorMs: 9, renewedErrorMs: 9 });
      expect((await read())?.endedErrorMs).toBeUndefined();
      await store.evict({ election: NAME, term: 2, at: 20, atErrorMs: 10 }, signal);
      expect(await read()).toMatchObject({ electedErrorMs: 9, endedErrorMs: 10 });
    });

    test("stand in history, too", async () => {
      const { store } = await subject();
      const record = { term: 3, electedAt: 5, electedErrorMs: 1, endedAt: 9, endedErrorMs: 2 };
      await store.recordTerm(NAME, { ...record, lastRenewedAt: 8, lastRenewedErrorMs: 3 }, signal);
      const { terms } = await store.readTerms(NAME, { limit: 1 }, signal);
      expect(terms).toEqual([{ ...record, lastRenewedAt: 8, lastRenewedErrorMs: 3 }]);
    });
  });

  describe("mark awaited", () => {
    test("leaves revision alone, stays with renewals, and says nothing of the next term", async () => {
      const { store, row } = await subject();
      await found(store);
      const answer = await store.markAwaited({ election: NAME, term: 1 }, signal);
      expect(await row()).toEqual({ ...ACQUIRED, awaitedTerm: 1 });
      expect(answer).toMatchObject({ done: true, lease: { ...ACQUIRED, isAwaited: true } });
      expect(await store.renew(renewing(), signal)).toMatchObject({ done: true, lease: { isAwaited: true } });
      await store.resign({ ...resigning, revision: 3, at: 12 }, signal);
      const { lease } = await store.acquire(acquiring({ basis: { term: 1, revision: 3 } }), signal);
      expect(lease).toMatchObject({ kind: "held", term: 2 });
      expect(factsOf(lease)?.isAwaited).toBeUndefined();
    });

    test("is refused for another term and for a vacant lease, with the row", async () => {
      const { store, row } = await subject();
      await found(store);
      const wrong = await store.markAwaited({ election: NAME, term: 2 }, signal);
      expect(wrong).toMatchObject({ done: false, lease: ACQUIRED });
      await store.resign({ ...resigning, at: 1 }, signal);
      const before = await row();
      const vacant = await store.markAwaited({ election: NAME, term: 1 }, signal);
      expect(vacant).toMatchObject({ done: false, lease: { term: 1, revision: 2 } });
      expect(await row()).toEqual(before);
    });
  });

  describe("request step-down", () => {
    test("leaves revision alone, so nobody takes it for a sign of life", async () => {
      const { store, row } = await subject();
      await found(store);
      const answer = await store.requestStepDown({ election: NAME, term: 1, by: "op" }, signal);
      expect(await row()).toEqual({ ...ACQUIRED, stepDownBy: "op" });
      expect(answer).toMatchObject({ done: true, lease: { ...ACQUIRED, stepDown: { by: "op" } } });
    });

    test("is refused for another term and for a vacant lease, with the row", async () => {
      const { store, row } = await subject();
      await found(store);
      const wrong = await store.requestStepDown({ election: NAME, term: 2, by: "op" }, signal);
      expect(wrong).toMatchObject({ done: false, lease: ACQUIRED });
      await store.resign({ ...resigning, at: 1 }, signal);
      const before = await row();
      const vacant = await store.requestStepDown({ election: NAME, term: 1, by: "op" }, signal);
      expect(vacant).toMatchObject({ done: false, lease: { term: 1, revision: 2 } });
      expect(await row()).toEqual(before);
    });
  });

  describe("evict", () => {
    test("uses up a term, so the holder is fenced off at once", async () => {
      const { store, row } = await subject();
      await found(store);
      const answer = await store.evict({ election: NAME, term: 1, at: 12_000 }, signal);
      const { holder, ...left } = ACQUIRED;
      const evicted = {
        ...left,
        term: 2,
        revision: 1 + EVICTION_STEP,
        endReason: "evicted",
        endedAt: 12_000,
      };
      expect(await row()).toEqual(evicted);
      expect(present(withoutKind(answer.lease))).toEqual(evicted);
      expect((await store.renew(renewing({ revision: 9 }), signal)).done).toBe(false);
      expect((await store.resign({ ...resigning, revision: 9, at: 1 }, signal)).done).toBe(false);
      expect(await store.transact(committing([]), signal)).toMatchObject({ done: false, fenced: true });
      expect(await row()).toEqual(evicted);
    });

    test("names the term it has seen: twice evicts once", async () => {
      const { store, row } = await subject();
      await found(store);
      await store.evict({ election: NAME, term: 1, at: undefined }, signal);
      const before = await row();
      expect(before).not.toHaveProperty("endedAt");
      expect(await store.evict({ election: NAME, term: 1, at: 9 }, signal)).toMatchObject({
        done: false,
        lease: { term: 2 },
      });
      expect(await row()).toEqual(before);
    });
  });

  describe("reset ticks", () => {
    const seen = { kind: "vacant", term: 1, revision: 2, endReason: "resigned" } as const;
    const resetting = { election: NAME, seen, by: "ana", at: 15_000, id: "r-1", to: undefined };
    const resigned = async () => {
      const it = await subject();
      await found(it.store);
      const ticks = { floor: "t0", completed: ["t1", "t9"] };
      await it.store.resign({ ...resigning, at: 12_000, ticks }, signal);
      return it;
    };

    test("undoes all ticks, changes the pair, and says of which term, who and when", async () => {
      const { store, row } = await resigned();
      const before = await row();
      const { ticks, tickFloor, ...kept } = before as Row;
      const answer = await store.resetTicks(resetting, signal);
      const by = { tickResetBy: "ana", tickResetAt: 15_000, tickResetId: "r-1" };
      const reset = { ...kept, revision: 3, tickResetTerm: 1, ...by };
      expect(await row()).toEqual(reset);
      expect(answer.done).toBe(true);
      expect(present(asWritten(answer.lease))).toEqual(reset);
      // With a tick it becomes the floor. Without a time there is none.
      const again = { ...resetting, seen: { ...seen, revision: 3 }, to: "t5", at: undefined, id: "r-2" };
      const { tickResetAt, ...timeless } = reset;
      await store.resetTicks(again, signal);
      expect(await row()).toEqual({ ...timeless, tickResetId: "r-2", revision: 4, tickFloor: "t5" });
      // An acquire keeps all of it.
      const basis = { term: 1, revision: 4 };
      await store.acquire(acquiring({ basis }), signal);
      expect(await row()).toMatchObject({ term: 2, tickFloor: "t5", tickResetTerm: 1, tickResetBy: "ana" });
    });

    test("is refused on any other pair, with the row, and twice resets once", async () => {
      const { store, row } = await resigned();
      const before = await row();
      for (const other of [{ term: 2 }, { revision: 1 }, { revision: 3 }]) {
        const refused = await store.resetTicks({ ...resetting, seen: { ...seen, ...other } }, signal);
        expect(refused).toMatchObject({ done: false, lease: { term: 1, revision: 2 } });
      }
      expect(await row()).toEqual(before);
      expect((await store.resetTicks(resetting, signal)).done).toBe(true);
      expect((await store.resetTicks(resetting, signal)).done).toBe(false);
      expect(await row()).toMatchObject({ revision: 3 });
    });

    test("is refused while somebody holds the lease, on a placeholder, and without a row", async () => {
      const { store, row, deleteLease } = await subject();
      expect(await store.resetTicks(resetting, signal)).toMatchObject({ done: false, lease: undefined });
      expect(await row()).toBeUndefined();
      await found(store);
      const held = { ...resetting, seen: { ...seen, revision: 1 } };
      expect(await store.resetTicks(held, signal)).toMatchObject({ done: false, lease: ACQUIRED });
      expect(await row()).toEqual(ACQUIRED);
      await deleteLease();
      await store.createPlaceholder(placing(), signal);
      expect((await store.resetTicks(resetting, signal)).done).toBe(false);
      expect(await row()).toEqual(PLACEHOLDER);
    });

    test("after an eviction it names the term that was led", async () => {
      const { store, row } = await subject();
      await found(store);
      const { lease } = await store.evict({ election: NAME, term: 1, at: 1 }, signal);
      if (lease?.kind !== "vacant") throw new Error("not evicted");
      expect((await store.resetTicks({ ...resetting, seen: lease }, signal)).done).toBe(true);
      expect(await row()).toMatchObject({ term: 2, revision: 2 + EVICTION_STEP, tickResetTerm: 1 });
    });

    test("a revision that none can follow is refused before anything is written", async () => {
      const { store } = await resigned();
      const last = { ...resetting, seen: { ...seen, revision: Number.MAX_SAFE_INTEGER } };
      await expect(store.resetTicks(last, signal)).rejects.toMatchObject({
        code: "MALFORMED_LEASE",
        attribute: "revision",
      });
    });

    test("the history of a term shows its latest reset, whichever is written last", async () => {
      const { store, terms } = await subject();
      const record = (tickReset: RecordedTickReset) => store.recordTerm(NAME, { term: 3, tickReset }, signal);
      await store.recordTerm(NAME, { term: 3, holder: "a", lastTick: "t9" }, signal);
      await record({ by: "ana", at: 5, to: "t5", revision: 7 });
      await record({ by: "eve", revision: 8 });
      await record({ by: "ana", at: 5, to: "t5", revision: 7 });
      await record({ by: "eve", revision: 8 });
      const written = { term: 3, holder: "a", lastTick: "t9", tickResetBy: "eve", tickResetRevision: 8 };
      expect(await terms()).toEqual([written]);
      expect((await store.readTerms(NAME, { limit: 1 }, signal)).terms).toEqual([
        { term: 3, holder: "a", lastTick: "t9", tickReset: { by: "eve", revision: 8 } },
      ]);
      const { history } = await store.readHistory(NAME, signal);
      expect(history).toMatchObject({ highestTerm: 3, tickResetTerm: 3 });
      expect(history.lastTick).toBeUndefined();
    });

    test("a founding goes on from the reset, and records it with its own term", async () => {
      const { store, row, terms } = await subject();
      await store.recordTerm(
        NAME,
        { term: 1, lastTick: "t9", tickReset: { by: "ana", to: "t5", revision: 3 } },
        signal,
      );
      const {
        lastTick,
        tickResetTerm,
        highestTermTick: tickBefore,
      } = (await store.readHistory(NAME, signal)).history;
      expect([lastTick, tickResetTerm]).toEqual(["t5", 1]);
      const basis = { ...PLACE, founding: { highestTerm: 1, lastTick, tickResetTerm, tickBefore } };
      expect(await found(store, { basis })).toMatchObject({ done: true });
      expect(await row()).toEqual({ ...ACQUIRED, term: 2, tickFloor: "t5", tickResetTerm: 1 });
      expect((await terms()).at(-1)).toMatchObject({ term: 2, lastTickBefore: "t5", tickResetTermBefore: 1 });
    });
  });

  describe("history", () => {
    test("what is learnt of a term is merged with what is known", async () => {
      const { store, terms } = await subject();
      const began = { term: 3, holder: "a", leaseDurationMs: 1_000, electedAt: 5, lastTickBefore: "t" };
      const ended = { term: 3, endedAt: 9, endReason: "resigned" as const, lastRenewedAt: 8, ttl: 77 };
      await store.recordTerm(NAME, began, signal);
      await store.recordTerm(NAME, ended, signal);
      await store.recordTerm(NAME, { term: 3, holder: undefined, ttl: undefined }, signal);
      expect(await terms()).toEqual([{ ...began, ...ended }]);
      await store.recordTerm(NAME, { term: 3, holder: "b" }, signal);
      expect(await terms()).toEqual([{ ...began, ...ended, holder: "b" }]);
    });

    test("tells the highest term, the longest lease and the last tick, whatever the order of writing", async () => {
      const { store } = await subject();
      for (const record of [
        { term: 9, lastTick: "2026-01-02" },
        { term: 100, leaseDurationMs: 1_000 },
        { term: 2, leaseDurationMs: 9_000, lastTick: "2026-01-03" },
        { term: 11, leaseDurationMs: 3_000, lastTick: "2025-12-31", lastTickBefore: "2025-12-30" },
      ]) {
        await store.recordTerm(NAME, record, signal);
      }
      await store.recordTerm("billing/nightly2", { term: 999, leaseDurationMs: 99_999 }, signal);
      expect((await store.readHistory(NAME, signal)).history).toEqual({
        highestTerm: 100,
        longestLeaseMs: 9_000,
        lastTick: "2026-01-03",
      });
    });
  });

  test("elections do not touch each other", async () => {
    const { store } = await subject();
    await found(store);
    await found(store, { election: "other", candidateId: "b" });
    await store.evict({ election: "other", term: 1, at: 1 }, signal);
    expect((await store.read(NAME, { consistent: true }, signal)).lease).toMatchObject(ACQUIRED);
  });

  test("the lease row never carries a ttl, through its whole life", async () => {
    const { store, row } = await subject();
    const rows: Array<Row | undefined> = [];
    const note = async () => rows.push(await row());
    await found(store).then(note);
    await store.renew(renewing(), signal).then(note);
    await store.requestStepDown({ election: NAME, term: 1, by: "op" }, signal).then(note);
    await store.recordTerm(NAME, { term: 1, ttl: 1 }, signal).then(note);
    await store.resign({ ...resigning, revision: 3, at: 1, ticks: { completed: ["t"] } }, signal).then(note);
    const basis = { term: 1, revision: 3 };
    await store.acquire(acquiring({ basis }), signal).then(note);
    await store.evict({ election: NAME, term: 2, at: 1 }, signal).then(note);
    expect(rows).toHaveLength(7);
    for (const each of rows) expect(each).not.toHaveProperty("ttl");
  });

  describe("transact", () => {
    const led = async () => {
      const it = await subject();
      await found(it.store);
      let landed = 0;
      const send = async (actions: readonly TransactionAction[], request: Partial<TransactRequest> = {}) => {
        const commit = { number: landed + 1, id: randomUUID() };
        const answer = await it.store.transact(committing(actions, { commit, ...request }), signal);
        if (answer.done) landed += 1;
        return answer;
      };
      const put = (id: string, more: Row = {}): TransactionAction => ({
        Put: { TableName: it.ledger, Item: { id, ...more } },
      });
      return { ...it, send, put };
    };

    test.each(["plain", "attribute"] as const)(
      "Put, Update, Delete and ConditionCheck, in %s values",
      async (form) => {
        const { send, ledger, items } = await led();
        const v = (row: Row): Row => (form === "plain" ? row : marshall(row));
        const TableName = ledger;
        const put = (id: string, n: number) => ({
          Put: { TableName, Item: v({ id, n, tags: ["x", { y: null }] }) },
        });
        expect(await send([put("1", 1), put("2", 2), put("3", 3)])).toMatchObject({ done: true });
        const answer = await send([
          { Put: { TableName, Item: v({ id: "1", only: true }) } },
          {
            Update: {
              TableName,
              Key: v({ id: "2" }),
              UpdateExpression: "SET #n = #n + :one, made = if_not_exists(made, :one) REMOVE tags",
              ConditionExpression: "#n BETWEEN :one AND :three",
              ExpressionAttributeNames: { "#n": "n" },
              ExpressionAttributeValues: v({ ":one": 1, ":three": 3 }),
            },
          },
          { Delete: { TableName, Key: v({ id: "3" }), ConditionExpression: "attribute_exists(id)" } },
          {
            ConditionCheck: {
              TableName,
              Key: v({ id: "4" }),
              ConditionExpression: "attribute_not_exists(id)",
            },
          },
          {
            Update: {
              TableName,
              Key: v({ id: "5" }),
              UpdateExpression: "ADD hits :one",
              ExpressionAttributeValues: v({ ":one": 1 }),
            },
          },
        ]);
        expect(answer).toMatchObject({ done: true });
        expect(await items()).toEqual([
          { id: "1", only: true },
          { id: "2", n: 3, made: 1 },
          { id: "5", hits: 1 },
        ]);
      },
    );

    test("all or nothing: refusals stand in the order of the actions, the innocent ones are None", async () => {
      const { send, put, ledger, items } = await led();
      await send([put("taken", { by: "z" })]);
      const before = await items();
      const TableName = ledger;
      const answer = await send([
        put("new"),
        {
          Put: {
            TableName,
            Item: { id: "taken" },
            ConditionExpression: "attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          },
        },
        {
          ConditionCheck: {
            TableName,
            Key: marshall({ id: "missing" }),
            ConditionExpression: "attribute_exists(id)",
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          },
        },
        { Delete: { TableName, Key: { id: "other" } } },
      ]);
      expect(answer).toMatchObject({ done: false, fenced: false });
      const refusals = "refusals" in answer ? answer.refusals : [];
      expect(refusals.map(({ code }) => code)).toEqual([
        "None",
        "ConditionalCheckFailed",
        "ConditionalCheckFailed",
        "None",
      ]);
      expect(refusals.map(({ item }) => item)).toEqual([
        undefined,
        { id: "taken", by: "z" },
        undefined,
        undefined,
      ]);
      expect(await items()).toEqual(before);
    });

    test("the item of a refusal comes in the form of its action, and only when asked for", async () => {
      const { send, put, ledger } = await led();
      await send([put("1", { n: 1 }), put("2", { n: 1 }), put("3", { n: 1 })]);
      const check = (Key: Row, ask: boolean): TransactionAction => ({
        ConditionCheck: {
          TableName: ledger,
          Key,
          ConditionExpression: "attribute_not_exists(id)",
          ...(ask && { ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const }),
        },
      });
      const answer = await send([
        check({ id: "1" }, true),
        check({ id: { S: "2" } }, true),
        check({ id: "3" }, false),
      ]);
      expect("refusals" in answer && answer.refusals.map(({ item }) => item)).toEqual([
        { id: "1", n: 1 },
        { id: { S: "2" }, n: { N: "1" } },
        undefined,
      ]);
    });

    test("an update that cannot be applied to the item refuses the whole", async () => {
      const { send, put, ledger, items } = await led();
      await send([put("1", { word: "a" })]);
      const before = await items();
      const word = {
        Update: {
          TableName: ledger,
          Key: { id: "1" },
          UpdateExpression: "SET word = word + :one",
          ExpressionAttributeValues: { ":one": 1 },
        },
      };
      expect(await isRefusedForGood(send([put("2"), word]))).toBe(true);
      expect(await items()).toEqual(before);
    });

    test("the fence: another candidate, another term or a vacant lease is refused with the row, before any condition", async () => {
      const { send, put, store, items } = await led();
      for (const request of [{ candidateId: "b" }, { term: 2 }]) {
        expect(await send([put("1")], request)).toMatchObject({
          done: false,
          fenced: true,
          lease: ACQUIRED,
        });
      }
      const impossible = put("1");
      if (impossible.Put) impossible.Put.ConditionExpression = "attribute_exists(id)";
      expect(await send([impossible], { term: 2 })).toMatchObject({ done: false, fenced: true });
      await store.resign({ ...resigning, at: 1 }, signal);
      const vacant = await send([put("1")]);
      expect(vacant).toMatchObject({ done: false, fenced: true, lease: { term: 1, revision: 2 } });
      expect(await items()).toEqual([]);
    });

    test("a number is used once: whatever else was sent under it is refused, and told what landed", async () => {
      const { store, put, row, items } = await led();
      const first = committing([put("1")]);
      const other = committing([put("2")]);
      expect(await store.transact(first, signal)).toMatchObject({ done: true });
      const mark = { term: 1, ...first.commit };
      expect(await store.transact(other, signal)).toMatchObject({
        done: false,
        fenced: true,
        lease: { lastCommit: mark },
      });
      // Nor out of turn, nor with nothing in it.
      for (const number of [1, 3]) {
        const skipping = committing([], { commit: { number, id: randomUUID() } });
        expect(await store.transact(skipping, signal)).toMatchObject({ fenced: true });
      }
      const nothing = committing([], { commit: { number: 2, id: randomUUID() } });
      expect(await store.transact(nothing, signal)).toMatchObject({ done: true });
      expect(await store.transact(nothing, signal)).toMatchObject({
        fenced: true,
        lease: { lastCommit: { term: 1, ...nothing.commit } },
      });
      const third = committing([put("3")], { commit: { number: 3, id: randomUUID() } });
      expect(await store.transact(third, signal)).toMatchObject({ done: true });
      expect(await items()).toEqual([{ id: "1" }, { id: "3" }]);
      // A renewal and a release leave it alone, and no follower sees it.
      expect(await row()).toMatchObject({
        revision: 1,
        commitTerm: 1,
        commitNumber: 3,
        commitId: third.commit.id,
      });
      await store.renew(renewing({ revision: 2 }), signal);
      const released = await store.resign({ ...resigning, revision: 3, at: 1 }, signal);
      expect(factsOf(released.lease)?.lastCommit).toEqual({ term: 1, ...third.commit });
    });

    test("the next term counts from 1 again, and its row still tells the last commit of the term before", async () => {
      const { store, put } = await led();
      const old = committing([put("1")]);
      await store.transact(old, signal);
      await store.resign({ ...resigning, at: 1 }, signal);
      const basis = { term: 1, revision: 2, previousTerm: 1, previousEndReason: "resigned" as const };
      const taken = await store.acquire(acquiring({ candidateId: "b", basis }), signal);
      expect(taken.lease).toMatchObject({
        term: 2,
        previousTerm: 1,
        previousEndReason: "resigned",
        lastCommit: { term: 1, ...old.commit },
      });
      const commit = { number: 1, id: randomUUID() };
      const next = committing([put("2")], { candidateId: "b", term: 2, commit });
      expect(await store.transact(next, signal)).toMatchObject({ done: true });
      expect((await store.read(NAME, { consistent: true }, signal)).lease).toMatchObject({
        lastCommit: { term: 2, ...commit },
        commitBefore: { term: 1, ...old.commit },
      });
    });

    test("the names of a table's key are read; an unknown table is told to be missing", async () => {
      const { store, ledger } = await led();
      expect(await store.readKeyNames(ledger, signal)).toMatchObject({ names: ["id"] });
      await expect(store.readKeyNames("no-such-table", signal)).rejects.toMatchObject({ problem: "missing" });
    });

    test("the same token twice applies once; a refusal is not remembered by its token", async () => {
      const { store, ledger, items } = await led();
      const add = {
        Update: {
          TableName: ledger,
          Key: { id: "1" },
          UpdateExpression: "ADD hits :one",
          ConditionExpression: "attribute_exists(id)",
          ExpressionAttributeValues: { ":one": 1 },
        },
      };
      const commit = committing([add]);
      expect(await store.transact(commit, signal)).toMatchObject({ done: false, fenced: false });
      // By another election, so that this one's number is still to be decided.
      await found(store, { election: "another" });
      const put = { Put: { TableName: ledger, Item: { id: "1" } } };
      await store.transact(committing([put], { election: "another" }), signal);
      expect(await store.transact(commit, signal)).toMatchObject({ done: true });
      expect(await store.transact(commit, signal)).toMatchObject({ done: true });
      expect(await items()).toEqual([{ id: "1", hits: 1 }]);
      // Asked again after the lease went on: it had been committed, and that is the answer.
      await store.resign({ ...resigning, at: 1 }, signal);
      expect(await store.transact(commit, signal)).toMatchObject({ done: true });
      expect(await items()).toEqual([{ id: "1", hits: 1 }]);
    });

    const Values = { ":v": 1 };
    const malformed: Array<[string, (TableName: string) => TransactionAction[]]> = [
      [
        "two actions on one item",
        (TableName) => ["a", "b"].map((by) => ({ Put: { TableName, Item: { id: "1", by } } })),
      ],
      ["an item without its key", (TableName) => [{ Put: { TableName, Item: { name: "1" } } }]],
      ["an empty key", (TableName) => [{ Put: { TableName, Item: { id: "" } } }]],
      [
        "a key with an attribute too many",
        (TableName) => [{ Delete: { TableName, Key: { id: "1", sk: "2" } } }],
      ],
      [
        "a syntax error in an update",
        (TableName) => [{ Update: { TableName, Key: { id: "1" }, UpdateExpression: "SET SET" } }],
      ],
      [
        "a syntax error in a condition",
        (TableName) => [{ Delete: { TableName, Key: { id: "1" }, ConditionExpression: "id ==" } }],
      ],
      [
        "a value that is missing",
        (TableName) => [{ Update: { TableName, Key: { id: "1" }, UpdateExpression: "SET n = :v" } }],
      ],
      [
        "a value that nothing uses",
        (TableName) => [
          {
            Delete: {
              TableName,
              Key: { id: "1" },
              ConditionExpression: "attribute_exists(id)",
              ExpressionAttributeValues: Values,
            },
          },
        ],
      ],
      [
        "an update of the key",
        (TableName) => [
          {
            Update: {
              TableName,
              Key: { id: "1" },
              UpdateExpression: "SET id = :v",
              ExpressionAttributeValues: Values,
            },
          },
        ],
      ],
    ];
    test.each(malformed)("%s: refused for good, and nothing is written", async (_what, actions) => {
      const { send, put, ledger, items } = await led();
      expect(await isRefusedForGood(send([put("innocent"), ...actions(ledger)]))).toBe(true);
      expect(await items()).toEqual([]);
    });

    test("an unknown table rejects as missing, and nothing is written", async () => {
      const { send, put, items } = await led();
      const unknown = { Put: { TableName: "no-such-table", Item: { id: "1" } } };
      await expect(send([put("1"), unknown])).rejects.toMatchObject({
        code: "TABLE_UNUSABLE",
        problem: "missing",
      });
      expect(await items()).toEqual([]);
    });
  });
});

test("a key of another type is refused by name: a MemoryTable is not told types", async () => {
  const { store, ledger, items } = await onDynamoDB();
  await found(store);
  const commit = committing([{ Put: { TableName: ledger, Item: { id: 1 } } }]);
  expect(await isRefusedForGood(store.transact(commit, signal))).toBe(true);
  expect(await items()).toEqual([]);
});

test("reservation attributes are read, and removed by acquire", async () => {
  const { store, row, leases } = await onDynamoDB();
  await found(store);
  await store.resign({ ...resigning, at: 1 }, signal);
  const reserved = { reservedForCandidate: "b", reservedUntil: 99 };
  const Item = marshall({ pk: NAME, sk: "lease", ...(await row()), ...reserved });
  await client.send(new PutItemCommand({ TableName: leases, Item }));
  const reservation = { candidateId: "b", until: 99 };
  expect((await store.read(NAME, { consistent: true }, signal)).lease).toMatchObject({ reservation });
  const basis = { term: 1, revision: 2 };
  await store.acquire(acquiring({ candidateId: "b", basis }), signal);
  expect(await row()).toEqual({ ...ACQUIRED, holder: "b", term: 2, revision: 3 });
});

test("history of more than a page: the newest terms are what counts", async () => {
  const { store } = await onDynamoDB();
  for (let term = 1; term <= 120; term++) {
    await store.recordTerm(NAME, { term, holder: "x".repeat(900), leaseDurationMs: 1_000 + term }, signal);
  }
  expect((await store.readHistory(NAME, signal)).history).toMatchObject({
    highestTerm: 120,
    longestLeaseMs: 1_120,
  });
});

/** One step of a random life; numbers are relative to the row as it stands, so that most come near it. */
type Step =
  | {
      verb: "acquire";
      who: string;
      attempt: number;
      dTerm: number;
      dRevision: number;
      jump: number;
      known: boolean;
      session: string | undefined;
    }
  | { verb: "createPlaceholder" }
  | {
      verb: "found";
      who: string;
      attempt: number;
      dTerm: number;
      dRevision: number;
      jump: number;
      tick: string | undefined;
      session: string | undefined;
    }
  | {
      verb: "renew";
      who: string;
      dTerm: number;
      dRevision: number;
      value: string | undefined;
      known: boolean;
    }
  | { verb: "resign"; who: string; dTerm: number; dRevision: number; ticks: string[] | undefined }
  | { verb: "stepDown" | "evict" | "await" | "acknowledge"; dTerm: number }
  | { verb: "pause" | "resume"; dTerm: number; dRevision: number; dSeen: number }
  | { verb: "resetTicks"; dTerm: number; dRevision: number; to: string | undefined; known: boolean }
  | {
      verb: "record";
      term: number;
      holder: string | undefined;
      lease: number | undefined;
      tick: string | undefined;
      reset: RecordedTickReset | undefined;
      ttl: number | undefined;
    }
  | {
      verb: "transact";
      who: string;
      dTerm: number;
      dNumber: number;
      actions: Array<{ kind: keyof TransactionAction; id: string; n: number; condition: number }>;
      again: boolean;
    }
  | { verb: "delete" };

const who = fc.constantFrom("holder", "holder", "a", "b");
const near = fc.constantFrom(0, 0, 0, 0, -1, 1);
const jump = fc.constantFrom(0, 0, 0, 1, 3);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const session = maybe(fc.constantFrom("s", "t"));
const tick = maybe(fc.constantFrom("t1", "t2", "t3"));
/** The first of several is the floor. */
const windowOf = (ticks: string[] | undefined) =>
  ticks && {
    floor: ticks.length > 1 ? ticks[0] : undefined,
    completed: ticks.slice(ticks.length > 1 ? 1 : 0),
  };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constant("acquire" as const),
      who,
      attempt: fc.nat(3),
      dTerm: near,
      dRevision: near,
      jump,
      known: fc.boolean(),
      session,
    }),
  },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("createPlaceholder" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constant("found" as const),
      who,
      attempt: fc.nat(3),
      dTerm: fc.constantFrom(1, 1, 1, 0, 2),
      dRevision: fc.constantFrom(0, 0, 0, 1),
      jump,
      tick,
      session,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constant("renew" as const),
      who,
      dTerm: near,
      dRevision: fc.constantFrom(1, 1, 2, 0, -1),
      value: maybe(fc.constantFrom("", "v", "w")),
      known: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constant("resign" as const),
      who,
      dTerm: near,
      dRevision: fc.constantFrom(1, 2),
      ticks: maybe(fc.subarray(["t1", "t2", "t3", "t4"], { minLength: 1 })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constantFrom("stepDown" as const, "evict" as const, "await" as const),
      dTerm: near,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      verb: fc.constant("acknowledge" as const),
      dTerm: fc.constantFrom(-1, -1, -1, 0, -2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      verb: fc.constantFrom("pause" as const, "resume" as const, "resume" as const),
      dTerm: near,
      dRevision: near,
      dSeen: near,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      verb: fc.constant("resetTicks" as const),
      dTerm: near,
      dRevision: near,
      to: tick,
      known: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      verb: fc.constant("record" as const),
      term: fc.integer({ min: 1, max: 12 }),
      holder: maybe(fc.constantFrom("a", "b")),
      lease: maybe(fc.constantFrom(500, 9_000)),
      tick,
      reset: maybe(
        fc.record({
          by: fc.constantFrom("ana", "eve"),
          at: maybe(fc.nat(9)),
          to: tick,
          revision: fc.integer({ min: 1, max: 4 }),
        }),
      ),
      ttl: maybe(fc.constant(7)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constant("transact" as const),
      who,
      dTerm: near,
      dNumber: fc.constantFrom(1, 1, 1, 1, 0, 2),
      actions: fc.uniqueArray(
        fc.record({
          kind: fc.constantFrom(
            "Put" as const,
            "Update" as const,
            "Delete" as const,
            "ConditionCheck" as const,
          ),
          id: fc.constantFrom("1", "2", "3"),
          n: fc.integer({ min: -2, max: 2 }),
          condition: fc.nat(3),
        }),
        { selector: ({ id }) => id, maxLength: 3 },
      ),
      again: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ verb: "delete" as const }) },
);

const CONDITIONS = ["attribute_exists(id)", "attribute_not_exists(id)", "n >= :n"];

function actionOf(
  TableName: string,
  { kind, id, n, condition }: { kind: keyof TransactionAction; id: string; n: number; condition: number },
  form: number,
): Action {
  const v = (row: Row): Row => (form % 2 ? row : marshall(row));
  const ConditionExpression =
    CONDITIONS[condition] ?? (kind === "ConditionCheck" ? CONDITIONS[0] : undefined);
  const usesN = kind === "Update" || condition === 2;
  const parts = {
    TableName,
    ConditionExpression,
    ...(usesN && { ExpressionAttributeValues: v({ ":n": n }) }),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
  };
  if (kind === "Put") return toAction({ Put: { ...parts, Item: v({ id, n, at: form }) } }, 0);
  const keyed = { ...parts, Key: v({ id }) };
  if (kind === "Update")
    return toAction({ Update: { ...keyed, UpdateExpression: "SET latest = :n ADD n :n" } }, 0);
  return toAction({ [kind]: keyed } as TransactionAction, 0);
}

/** Without messages, times and versions, and with nothing but what is there. */
function essence(answer: unknown, without: readonly string[] = []): unknown {
  const text = JSON.stringify(answer ?? null, (key, value) =>
    ["dateMs", "message", "attempts", "schemaVersion", ...without].includes(key) ? undefined : value,
  );
  return JSON.parse(text);
}

test("whatever is asked in whatever order, both stores give the same answers and hold the same rows", async () => {
  const { store: real, leases, ledger } = await onDynamoDB();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const election = `e/${randomUUID()}`;
      const memory = new MemoryTable({ keys: { ledger: ["id"] } });
      const prefix = `${election}/`;
      const tokens: Array<TransactRequest & { actionsOf: (table: string) => Action[] }> = [];

      for (const [index, each] of steps.entries()) {
        const row = factsOf((await memory.read(election)).lease);
        const { history } = await memory.readHistory(election);
        const term = (delta: number) => Math.max(1, (row?.term ?? 1) + delta);
        const revision = (delta: number) => Math.max(1, (row?.revision ?? 1) + delta);
        const candidate = (name: string) => (name === "holder" ? (row?.holder ?? "a") : name);
        const at = 1_000 + index;
        const ask = async (store: LeaseStore, table: string): Promise<unknown> => {
          switch (each.verb) {
            case "acquire":
            case "found": {
              const present = each.verb === "acquire";
              const request = acquiring({
                election,
                candidateId: candidate(each.who),
                // A token of its own: what a repeated one means is tested above.
                attemptId: `${each.attempt}-${index}-${election}`.slice(0, 36),
                basis: {
                  ...(present && { previousTerm: term(each.dTerm), previousEndReason: "rotated" }),
                  term: present ? term(each.dTerm) : 0,
                  revision: revision(each.dRevision),
                  ...(!present && {
                    founding: {
                      highestTerm: Math.max(0, history.highestTerm + each.dTerm - 1),
                      lastTick: each.tick,
                      tickResetTerm: history.tickResetTerm,
                      tickBefore: each.dRevision === 0 ? history.highestTermTick : undefined,
                    },
                  }),
                },
                ...(each.jump > 0 && {
                  term: (present ? term(each.dTerm) : history.highestTerm + each.dTerm) + 1 + each.jump,
                }),
                session: each.session,
                ...(present && !each.known && { value: undefined, expiresAt: undefined, at: undefined }),
              });
              return store.acquire(request, signal);
            }
            case "createPlaceholder":
              return store.createPlaceholder(placing({ election, revision: 1 + index }), signal);
            case "renew":
              return store.renew(
                {
                  election,
                  candidateId: candidate(each.who),
                  term: term(each.dTerm),
                  revision: revision(each.dRevision),
                  renewIntervalMs: 900 + index,
                  value: each.value,
                  expiresAt: each.known ? at + LEASE_MS : undefined,
                  at: each.known ? at : undefined,
                },
                signal,
              );
            case "resign":
              return store.resign(
                {
                  election,
                  candidateId: candidate(each.who),
                  term: term(each.dTerm),
                  revision: revision(each.dRevision),
                  reason: "resigned",
                  at,
                  ticks: windowOf(each.ticks),
                },
                signal,
              );
            case "await":
              return store.markAwaited({ election, term: term(each.dTerm) }, signal);
            case "acknowledge":
              return store.acknowledgeEviction({ election, term: term(each.dTerm) }, signal);
            case "stepDown":
              return store.requestStepDown({ election, term: term(each.dTerm), by: `op-${index}` }, signal);
            case "evict":
              return store.evict({ election, term: term(each.dTerm), at }, signal);
            case "pause":
            case "resume": {
              const times = Math.max(0, (row?.pauseRevision ?? 0) + each.dSeen);
              const seenTerm = (row?.term ?? 0) + each.dTerm;
              const seen = {
                kind: seenTerm === 0 ? ("placeholder" as const) : ("held" as const),
                term: seenTerm,
                revision: revision(each.dRevision),
                pauseRevision: times === 0 ? undefined : times,
              };
              const by = each.verb === "pause" ? `op-${index}` : undefined;
              return store.pause({ election, by, seen }, signal);
            }
            case "resetTicks": {
              const endReason = row?.endReason;
              const pair = { term: term(each.dTerm), revision: revision(each.dRevision) };
              const seen = { kind: "vacant" as const, ...pair, endReason };
              const by = each.known ? "ana" : `op-${index}`;
              const request = {
                election,
                seen,
                by,
                at: each.known ? at : undefined,
                id: `r-${index}`,
                to: each.to,
              };
              return store.resetTicks(request, signal);
            }
            case "record": {
              const { term, holder, lease: leaseDurationMs, tick: lastTick, reset: tickReset, ttl } = each;
              const record = { term, holder, leaseDurationMs, lastTick, tickReset, ttl };
              return store.recordTerm(election, record, signal);
            }
            case "transact": {
              const last = tokens.at(-1);
              if (each.again && last)
                return store.transact({ ...last, actions: last.actionsOf(table) }, signal);
              const actionsOf = (name: string) =>
                each.actions.map((action, i) =>
                  actionOf(name, { ...action, id: prefix + action.id }, index + i),
                );
              const landed = row?.lastCommit?.term === row?.term ? (row?.lastCommit?.number ?? 0) : 0;
              const request = {
                election,
                candidateId: candidate(each.who),
                term: term(each.dTerm),
                commit: {
                  number: Math.max(1, landed + each.dNumber),
                  id: `${index}-${election}`.slice(0, 36),
                },
              };
              if (store === memory) tokens.push({ ...request, actions: [], actionsOf });
              return store.transact({ ...request, actions: actionsOf(table) }, signal);
            }
            case "delete":
              if (store === memory) memory.deleteLease(election);
              else await deleteLease(leases, election);
              return undefined;
          }
        };
        // The memory is asked second: the real one must see the tokens as they were before.
        const onReal = await ask(real, ledger).catch((error: unknown) => ({ error: `${error}` }));
        const inMemory = await ask(memory, "ledger").catch((error: unknown) => ({ error: `${error}` }));
        // Of a founding, DynamoDB's transaction tells what was written, not what stood there before and stays.
        const stays = each.verb === "found" ? ["pauseRevision"] : [];
        expect(essence(inMemory, stays), JSON.stringify(each)).toEqual(essence(onReal, stays));
      }
      for (const consistent of [true, false]) {
        const [a, b] = [await real.read(election, { consistent }, signal), await memory.read(election)];
        expect(essence(b)).toEqual(essence(a));
      }
      expect(essence(await memory.readHistory(election))).toEqual(
        essence(await real.readHistory(election, signal)),
      );
      expect(memory.terms(election).map(termAsWritten)).toEqual(await termRows(leases, election));
      expect(sorted(memory.items("ledger"))).toEqual(await itemRows(ledger, prefix));
    }),
    { numRuns: 60 },
  );
});
