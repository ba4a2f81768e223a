import { expect, test } from "vitest";
import { Fleet } from "./fleet.js";

const LEASE_MS = 15_000;

test("four members that start together share twelve partitions, and nothing moves after that", async () => {
  const fleet = new Fleet({ count: 12 });
  for (const label of "abcd") fleet.join(label);
  await fleet.until(() => fleet.held === 12);
  expect(fleet.loads).toEqual({ a: 3, b: 3, c: 3, d: 3 });
  await fleet.pass(4 * LEASE_MS);
  expect(fleet.starts.length).toBe(12);
  expect(fleet.crews.flatMap(({ events }) => events.filter(({ type }) => type === "refused"))).toEqual([]);
});

test("a member that joins gets its share by hand-overs, and only its share moves", async () => {
  const fleet = new Fleet({ count: 64 });
  for (const label of "abcdefgh") fleet.join(label);
  await fleet.until(() => fleet.held === 64);
  await fleet.pass(LEASE_MS);
  const before = fleet.starts.length;
  fleet.join("i");
  const tookMs = await fleet.until(() => fleet.isLevel && fleet.held === 64);
  expect(fleet.loads.i).toBe(7);
  expect(tookMs).toBeLessThanOrEqual(1.5 * LEASE_MS);
  await fleet.pass(2 * LEASE_MS);
  expect(fleet.starts.length - before).toBe(7);
});

test("a member that leaves hands everything over, each partition to the member that should hold it", async () => {
  const fleet = new Fleet({ count: 12 });
  const [a] = [..."abcd"].map((label) => fleet.join(label));
  await fleet.until(() => fleet.held === 12);
  await fleet.pass(LEASE_MS);
  const before = fleet.starts.length;
  a?.leave();
  const tookMs = await fleet.until(() => fleet.held === 12 && a?.working.size === 0);
  expect(tookMs).toBeLessThanOrEqual(LEASE_MS);
  await a?.done;
  expect(fleet.loads).toEqual({ a: 0, b: 4, c: 4, d: 4 });
  expect(fleet.starts.length - before).toBe(3);
  expect((await fleet.table.readCandidates("orders")).candidates.length).toBe(3);
});

test("half of the members are killed: everything is held again within one and a half leases", async () => {
  const fleet = new Fleet({ count: 64 });
  const crews = [..."abcdefgh"].map((label) => fleet.join(label));
  await fleet.until(() => fleet.held === 64);
  await fleet.pass(LEASE_MS);
  for (const crew of crews.slice(0, 4)) crew.kill();
  expect(await fleet.until(() => fleet.held === 64)).toBeLessThanOrEqual(1.5 * LEASE_MS);
  expect(fleet.isLevel).toBe(true);
});

test("all members are killed, and others start: everything is held again within two leases", async () => {
  const fleet = new Fleet({ count: 64 });
  const crews = [..."abcd"].map((label) => fleet.join(label));
  await fleet.until(() => fleet.held === 64);
  for (const crew of crews) crew.kill();
  for (const label of "efgh") fleet.join(label);
  expect(await fleet.until(() => fleet.held === 64)).toBeLessThanOrEqual(2 * LEASE_MS);
  expect(fleet.isLevel).toBe(true);
});

test("members that are seen for less than settleMs move nothing", async () => {
  const fleet = new Fleet({ count: 16, settleMs: 10_000 });
  fleet.join("a");
  fleet.join("b");
  await fleet.until(() => fleet.held === 16);
  await fleet.pass(LEASE_MS);
  for (let i = 0; i < 4; i++) {
    const guest = fleet.join(`guest${i}`);
    await fleet.pass(7_000);
    guest.leave();
    await guest.done;
    fleet.crews.splice(fleet.crews.indexOf(guest), 1);
  }
  await fleet.pass(2 * LEASE_MS);
  expect(fleet.starts.length).toBe(16);
  expect(fleet.loads).toEqual({ a: 8, b: 8 });
});

test("at most maxMovesAtOnce partitions are on their way at a time, also while their work drains", async () => {
  const fleet = new Fleet({ count: 12, maxMovesAtOnce: 2 });
  fleet.drainMs = 2_000;
  fleet.join("a");
  fleet.join("b");
  await fleet.until(() => fleet.held === 12);
  await fleet.pass(LEASE_MS);
  fleet.join("c");
  let most = 0;
  await fleet.until(() => {
    const stopping = fleet.crews.flatMap(({ working }) => [...working.values()]);
    const moving = 12 - stopping.filter(({ signal }) => !signal.aborted).length;
    most = Math.max(most, moving);
    return fleet.held === 12 && fleet.isLevel;
  });
  expect(most).toBe(2);
  expect(fleet.starts.length).toBe(16);
});

test("three slots for five members: a semaphore", async () => {
  const fleet = new Fleet({ count: 3, maxPerMember: 1 });
  const crews = [..."abcde"].map((label) => fleet.join(label));
  await fleet.until(() => fleet.held === 3);
  await fleet.pass(2 * LEASE_MS);
  expect(Object.values(fleet.loads).sort()).toEqual([0, 0, 1, 1, 1]);
  expect(fleet.starts.length).toBe(3);
  const holder = crews.find(({ working }) => working.size > 0);
  holder?.leave();
  await fleet.until(() => fleet.starts.length === 4 && fleet.held === 3);
  await holder?.done;
});

test("the count is raised and lowered while it runs, member by member", async () => {
  const fleet = new Fleet({ count: 8 });
  const crews = [..."abcd"].map((label) => fleet.join(label));
  await fleet.until(() => fleet.held === 8);
  await fleet.pass(LEASE_MS);
  const atWork = () => fleet.crews.flatMap(({ working }) => [...working.keys()]).sort((a, b) => a - b);
  for (const { partitions } of crews) {
    partitions.setCount(16);
    await fleet.pass(3_000);
  }
  await fleet.until(() => fleet.held === 16 && fleet.isLevel);
  await fleet.pass(LEASE_MS);
  for (const { partitions } of crews) partitions.setCount(6);
  await fleet.until(() => fleet.held === 6 && fleet.isLevel);
  expect(atWork()).toEqual([0, 1, 2, 3, 4, 5]);
});

test("owners and observe tell who holds what, with what it publishes", async () => {
  const fleet = new Fleet({ count: 4 });
  const a = fleet.join("a", { value: "http://10.0.0.1" });
  await fleet.until(() => fleet.held === 4);
  await fleet.pass(LEASE_MS);
  const owners = await a.partitions.owners();
  expect([...owners.keys()]).toEqual([0, 1, 2, 3]);
  const { candidateId } = a.partitions;
  expect(owners.get(2)).toEqual({ candidateId, label: "a", value: "http://10.0.0.1" });

  const stop = new AbortController();
  const sizes: string[] = [];
  const following = (async () => {
    for await (const now of a.partitions.observe({ signal: stop.signal }))
      sizes.push([...now.values()].map(({ label }) => label).join(""));
  })();
  const b = fleet.join("b");
  await fleet.until(() => b.working.size === 2);
  await fleet.pass(LEASE_MS);
  stop.abort();
  await following;
  expect(sizes[0]).toBe("aaaa");
  expect([...(sizes.at(-1) as string)].sort().join("")).toBe("aabb");
});

test("work that throws: everything else is handed over, and run() rejects with its error", async () => {
  const fleet = new Fleet({ count: 4 });
  const [a] = [fleet.join("a"), fleet.join("b")];
  await fleet.until(() => fleet.held === 4);
  const failing = new Fleet({ count: 2 });
  const c = failing.join("c");
  c.working.set = () => {
    throw new Error("the shard is broken");
  };
  const ended = c.done.then(
    () => "resolved",
    (error: Error) => error.message,
  );
  await failing.pass(2 * LEASE_MS);
  expect(await ended).toBe("the shard is broken");
  const { lease } = (await failing.table.read("orders/0")) as {
    lease: { kind: string };
  };
  expect(lease.kind).toBe("vacant");
  a?.leave();
  await fleet.pass(LEASE_MS);
  await a?.done;
});

test("with onWorkError retry the partition is run again, less and less often, and an event tells each failure", async () => {
  const fleet = new Fleet({ count: 2 });
  const a = fleet.join("a", { onWorkError: "retry" });
  let failures = 0;
  const set = a.working.set.bind(a.working);
  a.working.set = (partition, leadership) => {
    if (partition === 1 && failures < 5) {
      failures += 1;
      throw new Error("not yet");
    }
    return set(partition, leadership);
  };
  await fleet.until(() => fleet.held === 2);
  expect(failures).toBe(5);
  const told = a.events.filter(({ type }) => type === "work-failed");
  expect(told.map(({ election }) => election)).toEqual(Array(5).fill("orders/1"));
});

test("a member that is not healthy gives everything away, and takes part again when it is healthy", async () => {
  const fleet = new Fleet({ count: 8 });
  let isHealthy = true;
  const [a] = [fleet.join("a", { healthy: () => isHealthy }), fleet.join("b")];
  await fleet.until(() => fleet.held === 8 && fleet.isLevel);
  isHealthy = false;
  await fleet.until(() => fleet.loads.a === 0 && fleet.loads.b === 8);
  isHealthy = true;
  await fleet.until(() => fleet.loads.a === 4 && fleet.loads.b === 4);
  expect(a?.events.some(({ type }) => type === "unhealthy")).toBe(true);
});

test("a member asks for all rows once per look, whatever the number of partitions", async () => {
  const fleet = new Fleet({ count: 32 });
  for (const label of "abcd") fleet.join(label);
  await fleet.until(() => fleet.held === 32);
  await fleet.pass(2 * LEASE_MS);
  fleet.requests.length = 0;
  await fleet.pass(10 * LEASE_MS);
  const counted = Object.fromEntries(
    [...new Set(fleet.requests)].map((verb) => [
      verb,
      fleet.requests.filter((other) => other === verb).length,
    ]),
  );
  // 30 looks by each of four members; 30 renewals of each lease, and no reads of leases.
  expect(counted.readCandidates).toBeLessThanOrEqual(4 * 31);
  expect(counted.writeCandidate).toBeLessThanOrEqual(4 * 31);
  expect(counted.renew).toBeLessThanOrEqual(32 * 31);
  expect(Object.keys(counted).sort()).toEqual(["readCandidates", "renew", "writeCandidate"]);
});

test("one object runs once at a time", async () => {
  const fleet = new Fleet({ count: 2 });
  const a = fleet.join("a");
  await expect(a.partitions.run(() => {})).rejects.toThrow(
    /^This Partitions object already runs "orders"\. Suggestion: /,
  );
});
