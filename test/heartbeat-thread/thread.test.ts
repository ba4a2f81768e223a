import { expect, test } from "vitest";
import { heartbeatThread } from "../../src/heartbeat-thread/thread.js";
import { Election, type ElectionEvent, type ElectionOptions, Operator } from "../../src/index.js";
import { eventually, leaseRow, newClient, newLeaseTable } from "../support/fixture.js";

/** The real thread, on DynamoDB Local, under an event loop that is really blocked. */

const NAME = "billing/nightly";
const client = newClient();
/** Renewals that are so dense that a machine under load may answer some of them late. */
const PATIENT = { leaseDurationMs: 3_000, renewIntervalMs: 500 };

function block(ms: number): void {
  for (const startMs = performance.now(); performance.now() - startMs < ms; );
}

async function elected(options: Partial<ElectionOptions> = {}) {
  const tableName = await newLeaseTable(client);
  const events: ElectionEvent[] = [];
  const election = new Election({
    client,
    tableName,
    name: NAME,
    ...PATIENT,
    heartbeat: { maxStallMs: 12_000 },
    onEvent: (event) => events.push(event),
    ...options,
  } as ElectionOptions);
  const leadership = await election.campaign();
  return { tableName, events, leadership, row: () => leaseRow(client, tableName, NAME) };
}

test("a leader whose loop is blocked for two leases, from the first tick on, leads on, and knows it in the first tick after", async () => {
  const { events, leadership, row } = await elected({ value: "http://a" });
  block(6_000);
  leadership.throwIfLost();
  expect(leadership.remainingMs()).toBeGreaterThan(0);
  const stall = await eventually(() => events.find(({ type }) => type === "stall"));
  expect(stall).toMatchObject({
    term: leadership.term,
    renewals: expect.any(Number),
    blockedMs: expect.any(Number),
  });
  expect(await row()).toMatchObject({ term: { N: String(leadership.term) }, value: { S: "http://a" } });
  // The event loop renews as before.
  const before = events.filter(({ type }) => type === "renewed").length;
  await eventually(() => events.filter(({ type }) => type === "renewed").length > before);
  leadership.throwIfLost();
  expect(await leadership.resign()).toBe("released");
  expect(await row()).toMatchObject({ endReason: { S: "resigned" } });
});

test("a loop that is blocked for longer than was signed has lost its lease, and another candidate leads", async () => {
  const short = { leaseDurationMs: 600, renewIntervalMs: 200 };
  const { tableName, leadership } = await elected({ ...short, heartbeat: { maxStallMs: 600 } });
  block(2_500);
  expect(() => leadership.throwIfLost()).toThrow(expect.objectContaining({ reason: "expired" }));
  // With a longer lease, and so with requests that do not time out.
  const next = new Election({ client, tableName, name: NAME });
  const successor = await next.campaign();
  expect(successor.term).toBe(leadership.term + 1);
  await successor.resign();
});

test("a loss that the thread meets is known in the first tick after the block, with its reason", async () => {
  const { tableName, leadership } = await elected();
  await new Operator({ client, tableName, name: NAME }).evict();
  const isLost = () => leadership.remainingMs() === 0;
  for (let i = 0; i < 50 && !isLost(); i++) block(100);
  expect(() => leadership.throwIfLost()).toThrow(expect.objectContaining({ reason: "evicted" }));
});

test("a thread that dies is told of and replaced, and the next block loses nothing", async () => {
  const { events, leadership, row } = await elected();
  await heartbeatThread.kill();
  await eventually(() => events.some(({ type }) => type === "heartbeat-thread-failed"));
  leadership.throwIfLost();
  block(5_000);
  leadership.throwIfLost();
  expect(await row()).toMatchObject({ term: { N: String(leadership.term) } });
  await leadership.resign();
});
