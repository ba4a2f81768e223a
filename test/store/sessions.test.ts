import { randomUUID } from "node:crypto";
import { BatchGetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EVICTION_STEP } from "../../src/limits.js";
import { OPENING_REVISION, sessionRowName } from "../../src/protocol/sessions.js";
import type { AcquireRequest, OpenRequest } from "../../src/protocol/verbs.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { DynamoDBLike } from "../../src/store/dynamodb/table.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { MemoryTable } from "../../src/testing/index.js";
import { leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { heldLease } from "../support/lease.js";

/** Rule 14: the verbs on a session's row, and on a lease row under a session. One suite for both stores. */

const ID = "worker-1/x";
const ROW = sessionRowName(ID);
const NAME = "billing/nightly";
const LEASE_MS = 3_000;
const ROW_LEASE_MS = 16 * LEASE_MS;
const signal = new AbortController().signal;
const client = newClient();

interface Subject {
  readonly store: LeaseStore;
  versionOf(name: string): Promise<number>;
  /** The names of the attributes in the table, also of those that mean nothing in this state. */
  attributesOf(name: string): Promise<string[]>;
}

async function onDynamoDB(): Promise<Subject & { readonly table: string }> {
  const table = await newLeaseTable(client);
  return {
    table,
    store: dynamoDBLeaseStore(client, table),
    versionOf: async (name) => Number((await leaseRow(client, table, name))?.schemaVersion?.N),
    attributesOf: async (name) => Object.keys((await leaseRow(client, table, name)) ?? {}),
  };
}

async function inMemory(): Promise<Subject> {
  const table = new MemoryTable();
  return {
    store: table,
    async versionOf(name) {
      const { lease } = await table.read(name);
      return (lease as { schemaVersion?: number } | undefined)?.schemaVersion ?? 1;
    },
    async attributesOf(name) {
      const { lease } = await table.read(name);
      return Object.entries(lease ?? {}).flatMap(([fact, value]) => (value === undefined ? [] : [fact]));
    },
  };
}

const opening = (request: Partial<OpenRequest> = {}): OpenRequest => ({
  election: ROW,
  candidateId: ID,
  attemptId: "try-1",
  leaseDurationMs: LEASE_MS,
  renewIntervalMs: 1_000,
  expiresAt: 13_000,
  at: 10_000,
  atErrorMs: 7,
  ttl: 99,
  ...request,
});

const beating = {
  election: ROW,
  candidateId: ID,
  term: 1,
  revision: 2,
  renewIntervalMs: 1_000,
  value: "1 billing/nightly",
  expiresAt: 14_000,
  at: 11_000,
} as const;

const sealing = {
  election: ROW,
  seen: { term: 1, revision: OPENING_REVISION },
  at: 20_000,
  ttl: 500,
} as const;
const burying = { election: ROW, revision: 4_711, leaseDurationMs: 9, renewIntervalMs: 8, ttl: 600 } as const;

const acquiring = (request: Partial<AcquireRequest> = {}): AcquireRequest => ({
  election: NAME,
  candidateId: "a",
  attemptId: randomUUID().slice(0, 12),
  basis: { term: 0, revision: 77, founding: { highestTerm: 0 } },
  term: 1,
  leaseDurationMs: ROW_LEASE_MS,
  renewIntervalMs: ROW_LEASE_MS / 2,
  value: undefined,
  expiresAt: undefined,
  at: 10_000,
  session: ID,
  ...request,
});

async function found(store: LeaseStore, request: Partial<AcquireRequest> = {}) {
  const { election = NAME } = request;
  const times = { leaseDurationMs: LEASE_MS, renewIntervalMs: 1_000 };
  await store.createPlaceholder({ election, revision: 77, ...times }, signal);
  return store.acquire(acquiring(request), signal);
}

const read = async (store: LeaseStore, name: string) =>
  (await store.read(name, { consistent: true }, signal)).lease;

describe.each([
  ["DynamoDBLeaseStore", onDynamoDB],
  ["MemoryTable", inMemory],
] as const)("%s", (_name, make) => {
  describe("a session's row (rule 14a)", () => {
    test("is opened where there is none, held by the session itself, and is renewed and resigned as a lease is", async () => {
      const { store, versionOf } = await make();
      expect(await store.openSession(opening(), signal)).toMatchObject({
        done: true,
        lease: {
          kind: "held",
          ...{ holder: ID, attemptId: "try-1", term: 1, revision: OPENING_REVISION },
          ...{ leaseDurationMs: LEASE_MS, renewIntervalMs: 1_000, expiresAt: 13_000, ttl: 99 },
          ...{ electedAt: 10_000, electedErrorMs: 7, renewedAt: 10_000, renewedErrorMs: 7 },
        },
      });
      expect(await store.renew({ ...beating, ttl: 199 }, signal)).toMatchObject({
        lease: { revision: 2, value: "1 billing/nightly", ttl: 199 },
      });
      expect(await store.renew({ ...beating, revision: 3 }, signal)).toMatchObject({ lease: { ttl: 199 } });
      const over = { ...beating, revision: 4, reason: "resigned", ttl: 299 } as const;
      expect(await store.resign(over, signal)).toMatchObject({
        lease: { kind: "vacant", endReason: "resigned", revision: 4, ttl: 299 },
      });
      // An older client never campaigns on it, and reads it in no other way.
      expect(await versionOf(ROW)).toBe(1);
    });

    test("is opened once: a second opening is refused, and the row says whose it is", async () => {
      const { store } = await make();
      await store.openSession(opening(), signal);
      const again = await store.openSession(opening({ attemptId: "try-2" }), signal);
      expect(again).toMatchObject({ done: false, lease: { holder: ID, attemptId: "try-1" } });
      await store.sealSession(sealing, signal);
      expect(await store.openSession(opening(), signal)).toMatchObject({
        done: false,
        lease: { kind: "vacant" },
      });
    });

    test("without the table's time it says no time, and its end keeps the ttl of the last heartbeat", async () => {
      const { store } = await make();
      const unknown = { expiresAt: undefined, at: undefined, atErrorMs: undefined };
      const { lease } = await store.openSession(opening({ ...unknown, ttl: 99 }), signal);
      expect(lease).not.toMatchObject({ expiresAt: expect.anything() });
      await store.crash({ election: ROW, candidateId: ID, term: 1 }, signal);
      expect(await read(store, ROW)).toMatchObject({ kind: "vacant", endReason: "crashed", ttl: 99 });
    });
  });

  describe("seal (rule 14d)", () => {
    test("ends the session on the pair that was seen: it can never be renewed again", async () => {
      const { store } = await make();
      await store.openSession(opening(), signal);
      await store.renew(beating, signal);
      const seen = { term: 1, revision: 2 };
      expect(await store.sealSession({ ...sealing, seen, atErrorMs: 3 }, signal)).toMatchObject({
        done: true,
        lease: {
          kind: "vacant",
          ...{ term: 1, revision: 3, endReason: "expired", endedAt: 20_000, endedErrorMs: 3, ttl: 500 },
        },
      });
      for (const revision of [3, 4, 99]) {
        expect(await store.renew({ ...beating, revision }, signal)).toMatchObject({ done: false });
      }
    });

    test("is refused, with the row, if a heartbeat came after all, if it has ended, and without a row", async () => {
      const { store } = await make();
      expect(await store.sealSession(sealing, signal)).toMatchObject({ done: false, lease: undefined });
      await store.openSession(opening(), signal);
      await store.renew(beating, signal);
      expect(await store.sealSession(sealing, signal)).toMatchObject({ done: false, lease: { revision: 2 } });
      const other = { ...sealing, seen: { term: 2, revision: 2 } };
      expect(await store.sealSession(other, signal)).toMatchObject({ done: false, lease: { kind: "held" } });
      const seen = { term: 1, revision: 2 };
      await store.sealSession({ ...sealing, seen }, signal);
      // Not even on the pair that the seal left: how it ended stays as it is.
      for (const revision of [2, 3]) {
        const again = { ...sealing, seen: { term: 1, revision }, at: 30_000 };
        expect(await store.sealSession(again, signal)).toMatchObject({
          done: false,
          lease: { endedAt: 20_000 },
        });
      }
    });

    test("without a ttl of its own it keeps the one of the last heartbeat", async () => {
      const { store } = await make();
      await store.openSession(opening(), signal);
      await store.sealSession({ ...sealing, at: undefined, ttl: undefined }, signal);
      expect(await read(store, ROW)).toMatchObject({ kind: "vacant", ttl: 99 });
    });
  });

  describe("tombstone (rule 14e)", () => {
    test("stands where there was no row, and no session opens or beats on it", async () => {
      const { store } = await make();
      expect(await store.burySession(burying, signal)).toMatchObject({
        done: true,
        lease: {
          kind: "vacant",
          term: 1,
          revision: 4_711,
          endReason: "deleted",
          leaseDurationMs: 9,
          ttl: 600,
        },
      });
      expect(await store.openSession(opening(), signal)).toMatchObject({ done: false });
      expect(await store.renew({ ...beating, revision: 9_999 }, signal)).toMatchObject({ done: false });
      expect(await store.burySession({ ...burying, revision: 5 }, signal)).toMatchObject({
        done: false,
        lease: { revision: 4_711 },
      });
    });

    test("buries no session that has a row, living or over", async () => {
      const { store } = await make();
      await store.openSession(opening(), signal);
      expect(await store.burySession(burying, signal)).toMatchObject({ done: false, lease: { holder: ID } });
      await store.sealSession(sealing, signal);
      expect(await store.burySession(burying, signal)).toMatchObject({
        done: false,
        lease: { endReason: "expired" },
      });
    });

    test("a heartbeat never makes a row", async () => {
      const { store } = await make();
      await store.renew(beating, signal);
      await store.nudgeSession({ election: ROW, name: NAME }, signal);
      expect(await read(store, ROW)).toBeUndefined();
    });
  });

  describe("nudge (rule 14h)", () => {
    test("counts, names the last election, and changes neither the pair nor what the heartbeat finds", async () => {
      const { store } = await make();
      const { lease: opened } = await store.openSession(opening(), signal);
      await store.nudgeSession({ election: ROW, name: "a" }, signal);
      const { lease } = await store.nudgeSession({ election: ROW, name: NAME }, signal);
      expect(lease).toEqual({ ...opened, nudges: 2, nudged: NAME });
      expect(await store.renew(beating, signal)).toMatchObject({ lease: { nudges: 2, nudged: NAME } });
    });

    test("is refused once the session has ended", async () => {
      const { store } = await make();
      await store.openSession(opening(), signal);
      await store.sealSession(sealing, signal);
      expect(await store.nudgeSession({ election: ROW, name: NAME }, signal)).toMatchObject({
        done: false,
        lease: { kind: "vacant" },
      });
    });
  });

  describe("a lease under a session (rule 14b)", () => {
    test("names the session, has no end of its own, and is of version 2 from then on", async () => {
      const { store, versionOf } = await make();
      const { lease } = await found(store);
      expect(lease).toMatchObject({ kind: "held", session: ID, leaseDurationMs: ROW_LEASE_MS });
      expect(lease).not.toMatchObject({ expiresAt: expect.anything() });
      expect(await versionOf(NAME)).toBe(2);
      const mine = { election: NAME, candidateId: "a", term: 1 };
      await store.resign({ ...mine, revision: 2, reason: "resigned", at: 1 }, signal);
      const plain = { basis: { term: 1, revision: 2 }, term: 2, expiresAt: 9, session: undefined };
      expect(await store.acquire(acquiring(plain), signal)).toMatchObject({ done: true });
      expect(await read(store, NAME)).not.toMatchObject({ session: expect.anything() });
      expect(await versionOf(NAME)).toBe(2);
    });

    test("that was plain before is raised by the acquire, and no other verb raises it", async () => {
      const { store, versionOf } = await make();
      await found(store, { session: undefined, expiresAt: 13_000 });
      const mine = { election: NAME, candidateId: "a", term: 1 };
      await store.renew({ ...beating, ...mine }, signal);
      await store.resign({ ...mine, revision: 3, reason: "resigned", at: 1 }, signal);
      expect(await versionOf(NAME)).toBe(1);
      await store.acquire(acquiring({ basis: { term: 1, revision: 3 }, term: 2 }), signal);
      expect(await read(store, NAME)).toMatchObject({ session: ID, term: 2 });
      expect(await versionOf(NAME)).toBe(2);
    });

    test("keeps the session with each write of its holder, and loses it with each end", async () => {
      const mine = { election: NAME, candidateId: "a", term: 1 };
      const ends: Array<(store: LeaseStore) => Promise<unknown>> = [
        (store) => store.resign({ ...mine, revision: 3, reason: "resigned", at: 1 }, signal),
        (store) => store.crash(mine, signal),
        (store) => store.evict({ election: NAME, term: 1, at: 1 }, signal),
      ];
      for (const end of ends) {
        const { store, attributesOf } = await make();
        await found(store);
        await store.renew({ ...beating, ...mine, expiresAt: undefined }, signal);
        await store.requestStepDown({ election: NAME, term: 1, by: "op" }, signal);
        await store.markAwaited({ election: NAME, term: 1 }, signal);
        await store.transact({ ...mine, commit: { number: 1, id: "x" }, actions: [] }, signal);
        expect(await read(store, NAME)).toMatchObject({ session: ID });
        await end(store);
        expect(await read(store, NAME)).toMatchObject({ kind: "vacant" });
        expect(await attributesOf(NAME)).not.toContain("session");
      }
    });
  });

  describe("acknowledgement of an eviction (rule 14h)", () => {
    const acknowledging = { election: NAME, term: 1 };

    test("is noted on the very row that the eviction left; the pair stays", async () => {
      const { store } = await make();
      await found(store);
      await store.evict({ election: NAME, term: 1, at: 1 }, signal);
      expect(await read(store, NAME)).not.toMatchObject({ isAcknowledged: true });
      const pair = { term: 2, revision: 1 + EVICTION_STEP };
      for (let i = 0; i < 2; i++) {
        expect(await store.acknowledgeEviction(acknowledging, signal)).toMatchObject({
          done: true,
          lease: { kind: "vacant", isAcknowledged: true, endReason: "evicted", ...pair },
        });
      }
    });

    test("is refused for another term, for another end, while somebody holds the lease, and without a row", async () => {
      const { store } = await make();
      const refused = { done: false };
      expect(await store.acknowledgeEviction(acknowledging, signal)).toMatchObject(refused);
      await found(store);
      expect(await store.acknowledgeEviction(acknowledging, signal)).toMatchObject(refused);
      expect(await store.acknowledgeEviction({ election: NAME, term: 0 }, signal)).toMatchObject(refused);
      const mine = { election: NAME, candidateId: "a", term: 1 };
      await store.resign({ ...mine, revision: 2, reason: "resigned", at: 1 }, signal);
      expect(await store.acknowledgeEviction({ election: NAME, term: 0 }, signal)).toMatchObject(refused);
      await store.acquire(acquiring({ basis: { term: 1, revision: 2 }, term: 2 }), signal);
      await store.evict({ election: NAME, term: 2, at: 1 }, signal);
      for (const term of [1, 3]) {
        expect(await store.acknowledgeEviction({ election: NAME, term }, signal)).toMatchObject(refused);
      }
      expect(await store.acknowledgeEviction({ election: NAME, term: 2 }, signal)).toMatchObject({
        done: true,
      });
    });

    test("ends with the next tenure, whose own eviction is not acknowledged", async () => {
      const { store, attributesOf } = await make();
      await found(store);
      await store.evict({ election: NAME, term: 1, at: 1 }, signal);
      await store.acknowledgeEviction(acknowledging, signal);
      const basis = { term: 2, revision: 1 + EVICTION_STEP };
      await store.acquire(acquiring({ basis, term: 3 }), signal);
      expect(await attributesOf(NAME)).not.toContain("acknowledgedTerm");
      expect(await read(store, NAME)).not.toMatchObject({ isAcknowledged: true });
      await store.evict({ election: NAME, term: 3, at: 1 }, signal);
      expect(await read(store, NAME)).not.toMatchObject({ isAcknowledged: true });
      // A late copy is about the term before.
      expect(await store.acknowledgeEviction(acknowledging, signal)).toMatchObject({ done: false });
    });
  });

  describe("a page of rows at once", () => {
    test("each that is there, by name; none for a name without a row; a name twice is one row", async () => {
      const { store } = await make();
      const names = Array.from({ length: 100 }, (_, i) => `orders/${i}`);
      const times = { leaseDurationMs: LEASE_MS, renewIntervalMs: 1_000 };
      await Promise.all(
        names.map((election, i) => store.createPlaceholder({ election, revision: i + 1, ...times }, signal)),
      );
      const asked = ["orders/7", ...names, "orders/7"];
      for (const consistent of [true, false]) {
        const { leases } = await store.readMany(asked, { consistent }, signal);
        expect([...leases].map(([name, { revision }]) => [name, revision]).sort()).toEqual(
          names.map((name, i) => [name, i + 1]).sort(),
        );
      }
      for (const none of [[], ["none"], ["none", "none"]]) {
        expect((await store.readMany(none, { consistent: true }, signal)).leases.size).toBe(0);
      }
      await expect(store.readMany([...names, "none"], { consistent: true }, signal)).rejects.toThrow();
    });
  });
});

describe("BatchGetItem", () => {
  const twoRows = async (store: LeaseStore) => {
    for (const election of ["a", "b"]) await found(store, { election });
  };

  test("a row that cannot be read spoils no other one", async () => {
    const { store, table } = await onDynamoDB();
    await twoRows(store);
    const Key = { pk: { S: "bad" }, sk: { S: "lease" } };
    for (const attributes of [{ term: { S: "x" } }, { schemaVersion: { N: "99" } }]) {
      await client.send(new PutItemCommand({ TableName: table, Item: { ...Key, ...attributes } }));
      const { leases } = await store.readMany(["a", "bad", "b"], { consistent: true }, signal);
      expect([...leases.keys()].sort()).toEqual(["a", "b"]);
      await expect(store.read("bad", { consistent: true }, signal)).rejects.toThrow();
    }
  });

  test("rows that the table leaves out are asked for again, each until it has come", async () => {
    const { table, store } = await onDynamoDB();
    await twoRows(store);
    let asked = 0;
    let busy = 3;
    const shy: DynamoDBLike = {
      async send(command: never, options) {
        const batch = command as BatchGetItemCommand;
        asked += 1;
        if (!(batch instanceof BatchGetItemCommand) || busy-- <= 0) return client.send(command, options);
        // All but the first row, as a table under load does.
        const { Keys: [first, ...UnreadKeys] = [] } = batch.input.RequestItems?.[table] ?? {};
        const some = { [table]: { Keys: first ? [first] : [], ConsistentRead: true } };
        const answer = await client.send(new BatchGetItemCommand({ RequestItems: some }), options);
        return UnreadKeys.length === 0
          ? answer
          : { ...answer, UnprocessedKeys: { [table]: { Keys: UnreadKeys } } };
      },
    };
    const reader = dynamoDBLeaseStore(shy, table);
    const { leases } = await reader.readMany(["a", "none", "b"], { consistent: true }, signal);
    expect([...leases.keys()].sort()).toEqual(["a", "b"]);
    expect(asked).toBe(3);
  });

  test("a table that never answers for a row is asked until the caller gives up, with pauses", async () => {
    const { table } = await onDynamoDB();
    const stop = new AbortController();
    let asked = 0;
    const stubborn: DynamoDBLike = {
      async send(command: never) {
        asked += 1;
        if (asked === 4) setTimeout(() => stop.abort(new Error("enough")), 1);
        const { RequestItems: UnprocessedKeys } = (command as BatchGetItemCommand).input;
        return { UnprocessedKeys };
      },
    };
    const reading = dynamoDBLeaseStore(stubborn, table).readMany(["a"], { consistent: true }, stop.signal);
    await expect(reading).rejects.toMatchObject({ code: "TABLE_UNAVAILABLE" });
    expect(asked).toBe(4);
  });

  /** A role that may not do some things. */
  const denying = (isDenied: (command: object) => boolean) => {
    const sent: object[] = [];
    const role: DynamoDBLike = {
      send(command: never, options) {
        sent.push(command);
        return isDenied(command)
          ? Promise.reject(Object.assign(new Error("no"), { name: "AccessDeniedException" }))
          : client.send(command, options);
      },
    };
    const batches = () => sent.splice(0).filter((each) => each instanceof BatchGetItemCommand).length;
    return { role, batches };
  };
  const keysOf = async (store: LeaseStore) => {
    const { leases } = await store.readMany(["a", "none", "b"], { consistent: true }, signal);
    return [...leases.keys()].sort();
  };

  test("a role without BatchGetItem reads the rows one by one, and does not ask again for what it was refused", async () => {
    const { table, store } = await onDynamoDB();
    await twoRows(store);
    const { role, batches } = denying((command) => command instanceof BatchGetItemCommand);
    const reader = dynamoDBLeaseStore(role, table);
    expect(await keysOf(reader)).toEqual(["a", "b"]);
    expect(batches()).toBe(1);
    expect(await keysOf(reader)).toEqual(["a", "b"]);
    expect(batches()).toBe(0);
  });

  test("a role that gets its rights later reads the rows together: all was denied, not only BatchGetItem", async () => {
    const { table, store } = await onDynamoDB();
    await twoRows(store);
    let hasRights = false;
    const { role, batches } = denying(() => !hasRights);
    const reader = dynamoDBLeaseStore(role, table);
    await expect(keysOf(reader)).rejects.toMatchObject({ problem: "access-denied" });
    hasRights = true;
    batches();
    expect(await keysOf(reader)).toEqual(["a", "b"]);
    expect(batches()).toBe(1);
  });
});

/** One step of a random life of a session's row. */
const step = fc.record({
  verb: fc.constantFrom("open", "open", "renew", "renew", "resign", "crash", "seal", "seal", "bury", "nudge"),
  dTerm: fc.constantFrom(0, 0, 0, 0, 1),
  dRevision: fc.constantFrom(0, 0, 0, 1, -1),
  ttl: fc.option(fc.constantFrom(100, 200), { nil: undefined }),
});

test("whatever is asked in whatever order, both stores give the same answers about a session", async () => {
  const { store: real } = await onDynamoDB();
  const essence = (answer: unknown) =>
    JSON.parse(
      JSON.stringify(answer, (key, value) => (["dateMs", "schemaVersion"].includes(key) ? undefined : value)),
    );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 20 }), async (steps) => {
      const election = sessionRowName(randomUUID());
      const memory = new MemoryTable();
      for (const [index, { verb, dTerm, dRevision, ttl }] of steps.entries()) {
        const row = (await memory.read(election)).lease ?? heldLease({ term: 1, revision: 1 });
        const term = Math.max(1, row.term + dTerm);
        const revision = Math.max(1, row.revision + dRevision);
        const mine = { election, candidateId: ID, term };
        const at = dRevision < 0 ? undefined : 1_000 + index;
        const ask = (store: LeaseStore): Promise<unknown> => {
          switch (verb) {
            case "open":
              return store.openSession(opening({ election, attemptId: `t-${index}`, at, ttl }), signal);
            case "renew":
              return store.renew({ ...beating, ...mine, revision: revision + 1, at, ttl }, signal);
            case "resign":
              return store.resign({ ...mine, revision: revision + 1, reason: "resigned", at, ttl }, signal);
            case "crash":
              return store.crash(mine, signal);
            case "seal":
              return store.sealSession({ election, seen: { term, revision }, at, ttl }, signal);
            case "bury":
              return store.burySession({ ...burying, election, ttl }, signal);
            default:
              return store.nudgeSession({ election, name: `n-${index}` }, signal);
          }
        };
        expect(essence(await ask(memory)), verb).toEqual(essence(await ask(real)));
      }
      expect(essence(await memory.read(election))).toEqual(
        essence(await real.read(election, { consistent: true }, signal)),
      );
    }),
    { numRuns: 60 },
  );
});
