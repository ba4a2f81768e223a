import { randomUUID } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { Election, type ElectionEvent, Session, SessionClosedError } from "../../src/index.js";
import { eventually, leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { untilEnd } from "../support/session-scene.js";

const client = newClient();
const LEASE_MS = 9_000;
const open: Session[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
});

async function sessionOf() {
  const tableName = await newLeaseTable(client);
  const events: ElectionEvent[] = [];
  const onEvent = (event: ElectionEvent) => void events.push(event);
  const session = new Session({ client, tableName, leaseDurationMs: LEASE_MS, onEvent });
  open.push(session);
  return { session, tableName, events };
}

test("a lease under a session names it, and closing gives lease and session back", async () => {
  const { session, tableName } = await sessionOf();
  const name = `e/${randomUUID()}`;
  const election = new Election({ session, name });
  const leadership = await election.campaign();
  expect(session.isOpen).toBe(true);
  const { id = "" } = session;
  const held = await leaseRow(client, tableName, name);
  expect(held).toMatchObject({ session: { S: id }, holder: { S: election.candidateId } });
  expect(held).not.toHaveProperty("expiresAt");
  leadership.signal.addEventListener("abort", () => void leadership.resign());
  expect(await session.close()).toBe("released");
  expect(await leaseRow(client, tableName, name)).not.toHaveProperty("holder");
  expect(await leaseRow(client, tableName, `session#${id}`)).toMatchObject({ endReason: { S: "resigned" } });
  await expect(election.campaign()).rejects.toThrow(SessionClosedError);
});

test("40 leases are taken under one session, and given back with it", async () => {
  const { session } = await sessionOf();
  const elections = Array.from({ length: 40 }, (_, i) => new Election({ session, name: `many/${i}` }));
  const stop = new AbortController();
  let leading = 0;
  const lives = elections.map((election) =>
    election.lead(
      async (leadership) => {
        leading += 1;
        await untilEnd(leadership);
      },
      { signal: stop.signal },
    ),
  );
  await eventually(() => leading >= 40);
  expect(await session.close()).toBe("released");
  expect(await Promise.all(lives)).toEqual(Array(40).fill(undefined));
});

test("a lost session ends all its leaderships, and the next one has another id", async () => {
  const { session, tableName } = await sessionOf();
  const names = ["a", "b"].map((name) => `${name}/${randomUUID()}`);
  const reasons: unknown[] = [];
  const leaderships = await Promise.all(names.map((name) => new Election({ session, name }).campaign()));
  const { id = "" } = session;
  const { DeleteItemCommand } = await import("@aws-sdk/client-dynamodb");
  const Key = { pk: { S: `session#${id}` }, sk: { S: "lease" } };
  await client.send(new DeleteItemCommand({ TableName: tableName, Key }));
  await Promise.all(leaderships.map(untilEnd));
  for (const { signal } of leaderships) reasons.push(signal.reason.reason);
  expect(reasons).toEqual(["session-lost", "session-lost"]);
  expect(() => leaderships[0]?.throwIfLost()).toThrow(/session-lost/);
  expect(session.isOpen).toBe(false);
  const again = await new Election({ session, name: `c/${randomUUID()}` }).campaign();
  expect(session.id).not.toBe(id);
  await again.resign();
});
