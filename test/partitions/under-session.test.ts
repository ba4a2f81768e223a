import { expect, test } from "vitest";
import { InvalidOptionError, Partitions, Session, SessionClosedError } from "../../src/index.js";
import { MemoryTable } from "../../src/testing/index.js";
import { Fleet } from "./fleet.js";

/** Partitions whose leases are held under a session: the same group, and one heartbeat for each member. */

const LEASE_MS = 15_000;

test("members with sessions share the partitions, and each renews one row", async () => {
  const fleet = new Fleet({ count: 64 });
  for (const label of "abcd") fleet.join(label, { hasSession: true });
  await fleet.until(() => fleet.held === 64 && fleet.isLevel);
  await fleet.pass(LEASE_MS);
  fleet.requests.length = 0;
  await fleet.pass(4 * LEASE_MS);
  const count = (verb: string) => fleet.requests.filter((one) => one === verb).length;
  // Three times per lease, and by four members.
  expect(count("renew")).toBeLessThanOrEqual(4 * 4 * 3 + 4);
  expect(count("writeCandidate")).toBeLessThanOrEqual(4 * 4 * 3 + 4);
  expect(count("acquire")).toBe(0);
  expect(fleet.starts.length).toBe(64);
});

test("a member that joins gets its share, and one that leaves hands its share over", async () => {
  const fleet = new Fleet({ count: 12 });
  const [a] = [..."abc"].map((label) => fleet.join(label, { hasSession: true }));
  await fleet.until(() => fleet.held === 12);
  await fleet.pass(LEASE_MS);
  fleet.join("d", { hasSession: true });
  expect(await fleet.until(() => fleet.isLevel && fleet.held === 12)).toBeLessThanOrEqual(1.5 * LEASE_MS);
  await fleet.pass(LEASE_MS);
  expect(fleet.starts.length).toBe(12 + 3);
  a?.leave();
  await fleet.until(() => fleet.held === 12 && a?.working.size === 0);
  await a?.done;
  expect(fleet.loads).toEqual({ a: 0, b: 4, c: 4, d: 4 });
  expect(fleet.starts.length).toBe(12 + 3 + 3);
});

test("half of the members are killed: everything is held again within one and a half leases", async () => {
  const fleet = new Fleet({ count: 64 });
  const crews = [..."abcdefgh"].map((label) => fleet.join(label, { hasSession: true }));
  await fleet.until(() => fleet.held === 64);
  await fleet.pass(LEASE_MS);
  for (const crew of crews.slice(0, 4)) crew.kill();
  expect(await fleet.until(() => fleet.held === 64)).toBeLessThanOrEqual(1.5 * LEASE_MS);
  expect(fleet.isLevel).toBe(true);
});

test("members with and without a session share one group, as in a rolling deploy", async () => {
  const fleet = new Fleet({ count: 12 });
  const [a, b] = [fleet.join("a"), fleet.join("b", { hasSession: true })];
  await fleet.until(() => fleet.held === 12 && fleet.isLevel);
  a.kill();
  await fleet.until(() => fleet.held === 12);
  expect(b.working.size).toBe(12);
  fleet.join("c");
  await fleet.until(() => fleet.isLevel && fleet.held === 12);
  b.kill();
  await fleet.until(() => fleet.held === 12);
});

test("closing the session ends run(), also of a member that holds nothing, and it cannot begin again", async () => {
  const fleet = new Fleet({ count: 1 });
  const crews = [..."ab"].map((label) => fleet.join(label, { hasSession: true }));
  await fleet.until(() => fleet.held === 1);
  const idle = crews.find(({ working }) => working.size === 0);
  const busy = crews.find(({ working }) => working.size === 1);
  await fleet.pass(LEASE_MS);
  for (const crew of [idle, busy]) {
    let isOver = false;
    void crew?.session?.close();
    void crew?.done.then(() => {
      isOver = true;
    });
    await fleet.until(() => isOver);
  }
  expect(fleet.held).toBe(0);
  await expect(busy?.partitions.run(() => {})).rejects.toThrow(SessionClosedError);
});

test("what the session decides is refused", () => {
  const session = new Session({ store: new MemoryTable() });
  const make = (options: object) => () =>
    new Partitions({ session, name: "orders", count: 4, ...options } as never);
  expect(make({})).not.toThrow();
  for (const options of [
    { leaseDurationMs: 5_000 },
    { label: "a" },
    { store: new MemoryTable() },
    { lastWill: true },
  ])
    expect(make(options)).toThrow(InvalidOptionError);
  expect(() => new Partitions({ session: {} as never, name: "orders", count: 4 })).toThrow(
    InvalidOptionError,
  );
});
