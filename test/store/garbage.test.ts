import { randomUUID } from "node:crypto";
import { type AttributeValue, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Election, MalformedLeaseError } from "../../src/index.js";
import { toLease } from "../../src/store/dynamodb/lease-codec.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { Item } from "../../src/store/memory/expressions.js";
import { candidatesPartition } from "../../src/store/schema.js";
import { leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { between, Stage } from "../support/stage.js";

/** Rows under an election's key that somebody else wrote, or damaged. */

const client = newClient();
const signal = new AbortController().signal;
const tableName = newLeaseTable(client);
/** Long enough that no answer is late on a busy machine. */
const PATIENT = { leaseDurationMs: 120_000, tuning: { requestTimeoutMs: 30_000 } };

const failureOf = (outcome: Promise<unknown>): Promise<unknown> =>
  outcome.then(
    () => undefined,
    (reason: unknown) => reason,
  );

describe("a history row written by something else", () => {
  const WHOLE = {
    term: { N: "7" },
    holder: { S: "a-1" },
    leaseDurationMs: { N: "300" },
    electedAt: { N: "1" },
    lastTickBefore: { S: "t1" },
    lastTick: { S: "t2" },
  } satisfies Item;
  const SK = "term#000000000007";

  /** An election whose lease row is gone, with one row of history. */
  async function withHistory(sk: string, attributes: Record<string, AttributeValue>) {
    const name = `e/${randomUUID()}`;
    const Item = { pk: { S: name }, sk: { S: sk }, ...attributes };
    await client.send(new PutItemCommand({ TableName: await tableName, Item }));
    const candidate = async () => new Election({ client, tableName: await tableName, name, ...PATIENT });
    return { name, Item, candidate };
  }

  const WAYS: Array<[string, (election: Election) => Promise<unknown>]> = [
    ["lead", (election) => election.lead(() => {})],
    ["campaign", (election) => election.campaign()],
    ["tryCampaign", (election) => election.tryCampaign()],
    ["runOnce", (election) => election.runOnce("2026-01-01", () => {})],
  ];

  const wrong: Array<[string, string, AttributeValue]> = [
    ["leaseDurationMs", "of another type", { S: "300" }],
    ["leaseDurationMs", "a fraction", { N: "1.5" }],
    ["leaseDurationMs", "negative", { N: "-300" }],
    ["leaseDurationMs", "0", { N: "0" }],
    ["leaseDurationMs", "beyond a day", { N: "86400001" }],
    ["leaseDurationMs", "beyond all numbers", { N: "9e120" }],
    ["leaseDurationMs", "null", { NULL: true }],
    ["lastTick", "of another type", { N: "7" }],
    ["lastTick", "a list", { L: [] }],
    ["lastTick", "of another form", { S: "2026-01-31T03:00:00Z" }],
    ["tickResetTermBefore", "0", { N: "0" }],
    ["tickResetRevision", "of another type", { S: "1" }],
    ["lastTickBefore", "of another type", { N: "7" }],
    ["lastTickBefore", "null", { NULL: true }],
  ];
  test.each(wrong)("%s %s: row and attribute are named, and nobody leads", async (attribute, _how, value) => {
    const { name, candidate } = await withHistory(SK, { ...WHOLE, [attribute]: value });
    const [before] = await rowsOf(name);
    for (const [, start] of WAYS) {
      const error = await failureOf(start(await candidate()));
      expect(error).toBeInstanceOf(MalformedLeaseError);
      expect(error).toMatchObject({ election: name, row: SK, attribute });
      expect((error as Error).message).toContain(`"${SK}"`);
      expect((error as Error).message).toContain(`"${attribute}"`);
    }
    expect(await rowsOf(name)).toEqual([expect.objectContaining({ term: { N: "0" } }), before]);
  });

  test.each([
    "term#7",
    "term#",
    "term#00000000000x",
    "term#0000000000007",
    "term#000000000000",
    "term#-00000000001",
    "term#0000000007.5",
  ])("the sort key %s: named", async (sk) => {
    const { candidate } = await withHistory(sk, WHOLE);
    for (const [, start] of WAYS) {
      const error = await failureOf(start(await candidate()));
      expect(error).toMatchObject({ code: "MALFORMED_LEASE", row: sk.replace(/0+x/, "…"), attribute: "sk" });
    }
  });

  test.each<[string, AttributeValue | undefined]>([
    ["missing", undefined],
    ["a string", { S: "x" }],
    ["a fraction", { N: "7.5" }],
    ["negative", { N: "-7" }],
    ["lower", { N: "3" }],
    ["higher", { N: "70" }],
    ["beyond all numbers", { N: "9e120" }],
    ["null", { NULL: true }],
  ])("the attribute term %s: the sort key rules", async (_how, term) => {
    const { term: _, ...rest } = WHOLE;
    const { name, candidate } = await withHistory(SK, { ...rest, ...(term && { term }) });
    const election = await candidate();
    const leadership = await election.campaign({ signal: AbortSignal.timeout(30_000) });
    expect(leadership.term).toBe(8);
    expect(await leaseRow(client, await tableName, name)).toMatchObject({ term: { N: "8" } });
    expect((await election.history()).map((past) => past.term)).toEqual([8, 7]);
    await leadership.resign();
  });

  test("people are shown what can be read, as many as they asked for: rows and facts that cannot are left out", async () => {
    const { name, candidate } = await withHistory("term#5", WHOLE);
    const put = (sk: string, more: Record<string, AttributeValue>) =>
      tableName.then((TableName) =>
        client.send(new PutItemCommand({ TableName, Item: { pk: { S: name }, sk: { S: sk }, ...more } })),
      );
    await put("term#000000000003", { ...WHOLE, electedAt: { S: "yesterday" }, endedAt: { N: "1.5" } });
    await put(SK, WHOLE);
    await put("term#9999999999999", WHOLE);
    await put("term#000000000009", { holder: { N: "1" } });
    const store = dynamoDBLeaseStore(client, await tableName);
    const { terms } = await store.readTerms(name, { limit: 3 }, signal);
    expect(terms.map(({ term }) => term)).toEqual([9, 7, 3]);
    expect(terms.at(-1)).toEqual({
      term: 3,
      holder: "a-1",
      leaseDurationMs: 300,
      lastTickBefore: "t1",
      lastTick: "t2",
    });
    const election = await candidate();
    expect((await election.history()).map((past) => past.term)).toEqual([7, 3]);
  });

  test("the last term that there can be has no successor: refused by name, nothing is written", async () => {
    const { name, Item, candidate } = await withHistory("term#999999999999", WHOLE);
    const outcome = (await candidate()).campaign({ signal: AbortSignal.timeout(30_000) });
    await expect(outcome).rejects.toMatchObject({ code: "MALFORMED_LEASE", attribute: "term" });
    expect(await rowsOf(name)).toEqual([expect.objectContaining({ term: { N: "0" } }), Item]);
  });
});

async function rowsOf(name: string) {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: await tableName,
      ConsistentRead: true,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": { S: name } },
    }),
  );
  return Items;
}

/** Whatever DynamoDB can hold, and most of all what is nearly right. */
const garbage: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc
    .constantFrom("0", "1", "7", "-1", "1.5", "50", "300", "86400000", "86400001", "1e3", "9e120", "1e-120")
    .map((N) => ({ N })),
  fc
    .constantFrom("999999999998", "999999999999", "1000000000000", "4503599627370496", "9007199254740991")
    .map((N) => ({ N })),
  fc.integer().map((N) => ({ N: String(N) })),
  fc.constantFrom("", "a", "evicted", "resigned", "7", "\u0000", "term#000000000007").map((S) => ({ S })),
  fc.constant({ NULL: true as const }),
  fc.boolean().map((BOOL) => ({ BOOL })),
  fc.constant({ M: {} }),
  fc.constantFrom<AttributeValue>({ L: [] }, { L: [{ S: "a" }] }, { L: [{ N: "1" }] }, { SS: ["a"] }),
  fc.constant({ B: new Uint8Array([0, 255]) }),
);

/** A row of ours in which up to three attributes are not what they were. */
const spoilt = (whole: Record<string, AttributeValue>, more: readonly string[] = []) =>
  fc
    .dictionary(fc.constantFrom(...Object.keys(whole), ...more), fc.option(garbage, { nil: undefined }), {
      minKeys: 0,
      maxKeys: 3,
    })
    .map((changes) => {
      const row = { ...whole, ...changes };
      return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as Item;
    });

const LEASE = {
  term: { N: "7" },
  revision: { N: "70" },
  leaseDurationMs: { N: "300" },
  renewIntervalMs: { N: "100" },
} satisfies Item;
const OF_A_LEASE = [
  ...["holder", "attemptId", "expiresAt", "electedAt", "renewedAt", "value", "line", "releaseInMs"],
  ...["electedErrorMs", "renewedErrorMs", "endedErrorMs"],
  ...[
    "releaseTo",
    "stepDownBy",
    "stepDownTo",
    "awaitedTerm",
    "pausedBy",
    "reservedForCandidate",
    "reservedForGroup",
    "reservedUntil",
  ],
  ...[
    "reservedForMs",
    "ticks",
    "tickFloor",
    "tickTerm",
    "tickResetTerm",
    "tickResetBy",
    "tickResetAt",
    "tickResetId",
    "endReason",
    "endedAt",
    "ttl",
  ],
];
const TERM = { term: { N: "6" }, holder: { S: "a-1" }, leaseDurationMs: { N: "300" } } satisfies Item;
const OF_A_TERM = [
  "electedAt",
  "electedErrorMs",
  "endedErrorMs",
  "lastRenewedErrorMs",
  "endedAt",
  "endReason",
  "lastRenewedAt",
  "lastTickBefore",
  "lastTick",
  "tickResetTermBefore",
  "tickResetBy",
  "tickResetAt",
  "tickResetTo",
  "tickResetRevision",
  "ttl",
];
const CANDIDATE = {
  candidateId: { S: "b" },
  arrival: { N: "1" },
  heartbeat: { N: "1" },
  refreshIntervalMs: { N: "300" },
  eligible: { BOOL: true },
} satisfies Item;
const OF_A_CANDIDATE = ["label", "rank", "group", "value", "expiresAt", "left", "ttl"];
const lease = spoilt(LEASE, OF_A_LEASE);
const standing = spoilt(CANDIDATE, OF_A_CANDIDATE);
const term = fc.record({
  sk: fc.constantFrom("term#000000000006", "term#000000000006", "term#6", "term#999999999999", "term#"),
  row: spoilt(TERM, OF_A_TERM),
});

test("garbage in whatever attribute: one try works or is told what is wrong, in a few requests, and writes no garbage", async () => {
  const TableName = await tableName;
  await fc.assert(
    fc.asyncProperty(
      fc.option(lease, { nil: undefined }),
      fc.option(term, { nil: undefined }),
      standing,
      async (row, past, other) => {
        const name = `e/${randomUUID()}`;
        const put = (sk: string, attributes: Item, pk = name) =>
          client.send(
            new PutItemCommand({ TableName, Item: { pk: { S: pk }, sk: { S: sk }, ...attributes } }),
          );
        if (row) await put("lease", row);
        if (past) await put(past.sk, past.row);
        await put("candidate#b", other, candidatesPartition(name));
        const before = await leaseRow(client, TableName, name);
        let requests = 0;
        const counting = {
          send: (command: never, options?: object) => {
            requests += 1;
            return client.send(command, options);
          },
        };
        const election = new Election({ client: counting, tableName: TableName, name, ...PATIENT });
        const outcome = await election.tryCampaign().catch((error: Error) => error);
        expect(requests).toBeLessThanOrEqual(20);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(MalformedLeaseError);
        const after = (await leaseRow(client, TableName, name)) as Item | undefined;
        if (JSON.stringify(after) !== JSON.stringify(before) && after) toLease(name, after);
        for (const show of [() => election.history(), () => election.candidates()]) {
          const shown = await show().catch((error: Error) => error);
          if (shown instanceof Error) expect(shown).toBeInstanceOf(MalformedLeaseError);
        }
        if (outcome && !(outcome instanceof Error)) await outcome.resign();
      },
    ),
    { numRuns: 150 },
  );
});

/** Renewed, it says, a thousand times a second. */
const HASTY = { leaseDurationMs: { N: "86400000" }, renewIntervalMs: { N: "1" } };

test("a row that can be read makes no candidate run hot, whatever it says of times", async () => {
  await fc.assert(
    fc.asyncProperty(lease, fc.boolean(), async (item, eligible) => {
      const row = parsed(item);
      if (!row) return;
      const stage = new Stage();
      let requests = 0;
      const store = between(stage.table, (verb, pass) => {
        requests += 1;
        return verb === "read" ? Promise.resolve({ lease: row }) : pass();
      });
      const { election } = stage.candidate("a", { store, eligible });
      const stop = new AbortController();
      const campaign = failureOf(election.campaign({ signal: stop.signal }));
      await stage.advance(3_000);
      requests = 0;
      await stage.advance(2_000);
      expect(requests / 2).toBeLessThanOrEqual(60);
      stop.abort();
      await campaign;
    }),
    {
      numRuns: 100,
      examples: [
        [{ ...LEASE, ...HASTY, holder: { S: "x" } }, true],
        [{ ...LEASE, ...HASTY, pausedBy: { S: "x" } }, true],
        [{ ...LEASE, ...HASTY }, false],
      ],
    },
  );
});

function parsed(item: Item) {
  try {
    return toLease("e", item);
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedLeaseError);
    return undefined;
  }
}
