import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterEach, expect, test, vi } from "vitest";
import { sessionRowName } from "../../src/protocol/sessions.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { LeaseSigner, LeaseStore } from "../../src/store/lease-store.js";
import type { SignedRequest } from "../../src/store/signed-request.js";
import { MemoryTable } from "../../src/testing/index.js";
import { leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { send } from "../support/wills.js";

/** Signed requests of the real SDK, sent by nothing but HTTP. */

const NAME = "billing/nightly";
const signal = new AbortController().signal;
// The SDK warns a user's console when its request is read in another way than it likes.
const warned = vi.spyOn(console, "warn");
afterEach(() => expect(warned).not.toHaveBeenCalled());
const mine = { election: NAME, candidateId: "a", term: 1 };
const untimed = { at: undefined, expiresAt: undefined };

async function held() {
  const client = newClient();
  const table = await newLeaseTable(client);
  const store = dynamoDBLeaseStore(client, table);
  const place = { election: NAME, revision: 77, leaseDurationMs: 3_000, renewIntervalMs: 1_000 };
  await store.createPlaceholder(place, signal);
  const founding = { highestTerm: 0, tickBefore: undefined, lastTick: undefined, tickResetTerm: undefined };
  const basis = { term: 0, revision: 77, founding } as never;
  const acquire = { ...mine, attemptId: table, basis, leaseDurationMs: 3_000, renewIntervalMs: 1_000 };
  expect(await store.acquire({ ...acquire, value: undefined, ...untimed }, signal)).toMatchObject({
    done: true,
  });
  return {
    client,
    table,
    store,
    signer: store.signer as LeaseSigner,
    row: () => leaseRow(client, table, NAME),
  };
}

test("signing sends nothing; the signed will ends the tenure, whenever it comes, and once", async () => {
  const { store, signer, row } = await held();
  const before = await row();
  const will = await signer.crash(mine, signal);
  expect(await row()).toEqual(before);
  await store.renew({ ...mine, revision: 5, renewIntervalMs: 1_000, value: undefined, ...untimed }, signal);
  expect(await send(will)).toMatchObject({ status: 200 });
  expect(await row()).toMatchObject({ endReason: { S: "crashed" }, revision: { N: "6" } });
  const { status, answer } = await send(will);
  expect(status).toBe(400);
  // The refusal brings the row, so that its reader can tell what the refusal means.
  expect(JSON.parse(answer)).toMatchObject({
    __type: expect.stringContaining("ConditionalCheckFailed"),
    Item: { term: { N: "1" } },
  });
});

test("renewals that were signed ahead land in their order, and none twice", async () => {
  const { signer, row } = await held();
  const renewal = { ...mine, renewIntervalMs: 1_000, value: "v", ...untimed };
  const [first, second] = await Promise.all(
    [2, 3].map((revision) => signer.renew({ ...renewal, revision }, signal)),
  );
  expect((await send(second as SignedRequest)).status).toBe(200);
  expect((await send(first as SignedRequest)).status).toBe(400);
  expect(await row()).toMatchObject({ revision: { N: "3" } });
});

test("a signed resignation does what the sent one does", async () => {
  const { signer, row } = await held();
  const resigning = {
    ...mine,
    revision: 2,
    reason: "resigned",
    at: 12,
    ticks: { completed: ["t1"] },
  } as const;
  expect((await send(await signer.resign(resigning, signal))).status).toBe(200);
  expect(await row()).toMatchObject({ endReason: { S: "resigned" }, ticks: { L: [{ S: "t1" }] } });
});

test("a session's row is renewed, resigned and ended by a will as a lease row is", async () => {
  const client = newClient();
  const table = await newLeaseTable(client);
  const store = dynamoDBLeaseStore(client, table);
  const signer = store.signer as LeaseSigner;
  const row = (id: string) => leaseRow(client, table, sessionRowName(id));
  const open = async (id: string) => {
    const own = { election: sessionRowName(id), candidateId: id, term: 1 };
    const times = { leaseDurationMs: 3_000, renewIntervalMs: 1_000, expiresAt: 5, at: 2, ttl: 9 };
    await store.openSession({ ...own, attemptId: "1", ...times }, signal);
    return own;
  };
  const [a, b] = await Promise.all([open("a"), open("b")]);
  const renewal = { ...a, revision: 8, renewIntervalMs: 1_000, value: "1 billing", expiresAt: 6, at: 3 };
  const standIn = await signer.renew({ ...renewal, isStandIn: true }, signal);
  const will = await signer.crash(a, signal);
  const resigned = { ...b, revision: 2, reason: "resigned" as const, at: 4, ttl: 99 };
  expect((await send(await signer.resign(resigned, signal))).status).toBe(200);
  expect(await row("b")).toMatchObject({ endReason: { S: "resigned" }, ttl: { N: "99" } });
  const { status, answer } = await send(standIn);
  expect(status).toBe(200);
  expect(store.answers?.written(a.election, { status: status ?? 0, body: answer })).toMatchObject({
    done: true,
    lease: { kind: "held", holder: "a", revision: 8, value: "1 billing", ttl: 9 },
  });
  expect((await send(will)).status).toBe(200);
  expect(await row("a")).toMatchObject({
    endReason: { S: "crashed" },
    revision: { N: "9" },
    ttl: { N: "9" },
  });
  // The renewal that was signed ahead comes too late.
  expect((await send(standIn)).status).toBe(400);
});

test("no secret key is in a signed request, and a document client signs as well", async () => {
  const client = newClient(undefined, { credentials: { accessKeyId: "local", secretAccessKey: "c4n4ry" } });
  for (const signing of [client, DynamoDBDocumentClient.from(client)]) {
    const signer = dynamoDBLeaseStore(signing, "leases").signer as LeaseSigner;
    const request = await signer.crash(mine, signal);
    expect(request.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 /);
    expect(JSON.stringify(request)).not.toContain("c4n4ry");
  }
});

test("a client that drops a command's own middleware changes nothing, and says that it cannot sign", async () => {
  const { row, client, table } = await held();
  const before = await row();
  const copying = {
    send: (command: UpdateItemCommand, options: object) =>
      client.send(new UpdateItemCommand(command.input), options),
  };
  const signer = dynamoDBLeaseStore(copying as never, table).signer as LeaseSigner;
  await expect(signer.crash(mine, signal)).rejects.toMatchObject({ option: "client" });
  const renewal = { ...mine, revision: 9, renewIntervalMs: 1_000, value: "v", ...untimed };
  await expect(signer.renew(renewal, signal)).rejects.toThrow();
  expect(await row()).toEqual(before);
});

test.each([
  ["compresses the body", { body: Uint8Array.of(0x1f, 0x8b, 0xff) }, "as text"],
  ["signs for HTTP/2", { headers: { ":authority": "localhost" } }, "HTTP/1.1"],
])(
  "a middleware that %s: refused while there is time, not when it should be sent",
  async (_, change, message) => {
    const client = newClient();
    const middleware = (next: (args: object) => unknown) => (args: { request: object }) => {
      Object.assign(args.request, change);
      return next(args);
    };
    client.middlewareStack.add(middleware as never, { step: "finalizeRequest", priority: "low" });
    const signer = dynamoDBLeaseStore(client, "leases").signer as LeaseSigner;
    await expect(signer.crash(mine, signal)).rejects.toMatchObject({
      message: expect.stringContaining(message),
    });
  },
);

test("a table in memory signs nothing", () => {
  expect((new MemoryTable() as LeaseStore).signer).toBeUndefined();
});
