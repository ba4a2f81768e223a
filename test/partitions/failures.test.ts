import { expect, test } from "vitest";
import { MalformedLeaseError, SchemaVersionError } from "../../src/index.js";
import { Fleet } from "./fleet.js";

const LEASE_MS = 15_000;

test("rows of two partitions cannot be read: with onWorkError retry these two wait, and nobody's run() ends", async () => {
  const fleet = new Fleet({ count: 8 });
  const read = fleet.table.read.bind(fleet.table);
  const errors: Record<string, Error> = {
    "orders/3": new MalformedLeaseError("orders/3", "revision", "must be a whole number", "S", { N: "1" }),
    "orders/5": new SchemaVersionError("orders/5", "lease", 99, 1),
  };
  fleet.table.read = async (election, ...rest) => {
    const error = errors[election];
    if (error) throw error;
    return read(election, ...rest);
  };
  const crews = [..."abc"].map((label) => fleet.join(label, { onWorkError: "retry" }));
  await fleet.until(() => fleet.held === 6);
  await fleet.pass(4 * LEASE_MS);
  expect(fleet.held).toBe(6);
  const told = crews.flatMap(({ events }) => events.filter(({ type }) => type === "work-failed"));
  expect([...new Set(told.map(({ election }) => election))].sort()).toEqual(["orders/3", "orders/5"]);
  expect(told).toContainEqual(expect.objectContaining({ term: 0, error: errors["orders/3"] }));
  // They wait longer each time: otherwise each of them is tried 20 times a second.
  expect(told.length).toBeLessThan(100);
  for (const election of Object.keys(errors)) delete errors[election];
  await fleet.until(() => fleet.held === 8);
});

test("a row of one partition cannot be read: by default run() rejects with its error, and the others are handed over", async () => {
  const fleet = new Fleet({ count: 4 });
  const read = fleet.table.read.bind(fleet.table);
  const error = new MalformedLeaseError("orders/3", "revision", "must be a whole number", "S", { N: "1" });
  fleet.table.read = async (election, ...rest) => {
    if (election === "orders/3") throw error;
    return read(election, ...rest);
  };
  const a = fleet.join("a");
  const ended = a.done.catch((thrown) => thrown);
  await fleet.pass(2 * LEASE_MS);
  expect(await ended).toBe(error);
  expect(fleet.held).toBe(0);
});

test("work that rejects with undefined has failed, as with any error", async () => {
  const fleet = new Fleet({ count: 2 });
  const a = fleet.join("a", { onWorkError: "retry" });
  let failures = 0;
  const set = a.working.set.bind(a.working);
  a.working.set = (partition, leadership) => {
    failures += 1;
    if (failures === 1) throw undefined;
    return set(partition, leadership);
  };
  await fleet.until(() => fleet.held === 2);
  expect(a.events.filter(({ type }) => type === "work-failed").length).toBe(1);
});

test("a row with an id that no member can have is ignored, and takes nothing", async () => {
  const fleet = new Fleet({ count: 4 });
  const a = fleet.join("a");
  await fleet.until(() => fleet.held === 4);
  const partitions = JSON.stringify({ count: 4, maxPerMember: 4, holds: "" });
  const row = { candidateId: "z".repeat(201), label: "z", arrival: 9, rank: 0, eligible: true, partitions };
  for (let heartbeat = 1; heartbeat < 9; heartbeat++) {
    await fleet.table.writeCandidate("orders", { ...row, heartbeat, refreshIntervalMs: 5_000 });
    await fleet.pass(5_000);
  }
  expect(fleet.loads).toEqual({ a: 4 });
  a.leave();
  await fleet.until(() => fleet.held === 0);
  await a.done;
});

test("one hand-over of a leaving member throws: all the other work is stopped, too, before run() ends", async () => {
  const fleet = new Fleet({ count: 4 });
  const [a] = [fleet.join("a"), fleet.join("b")];
  await fleet.until(() => fleet.held === 4 && fleet.isLevel);
  await fleet.pass(LEASE_MS);
  for (const leadership of a?.working.values() ?? [])
    leadership.stepDown = () => {
      throw new Error("it cannot be announced");
    };
  a?.leave();
  await fleet.until(() => fleet.loads.a === 0 && fleet.loads.b === 4);
  await a?.done;
});

test("a member whose work always fails lets the others go first: it keeps neither a slot nor its share", async () => {
  const hold = async (options: { count: number; maxPerMember?: number }) => {
    const fleet = new Fleet(options);
    const broken = fleet.join("a", { onWorkError: "retry" });
    let failures = 0;
    broken.working.set = () => {
      failures += 1;
      throw new Error("this host is broken");
    };
    await fleet.until(() => failures > 0);
    fleet.join("b", { onWorkError: "retry" });
    fleet.join("c", { onWorkError: "retry" });
    await fleet.until(() => fleet.held === options.count);
    let steps = 0;
    for (let i = 0; i < 600; i++) {
      await fleet.pass(1_000, 1_000);
      steps += fleet.held;
    }
    return { held: steps / (600 * options.count), failures };
  };
  const slot = await hold({ count: 1, maxPerMember: 1 });
  expect(slot.held).toBe(1);
  const shares = await hold({ count: 6 });
  expect(shares.held).toBeGreaterThan(0.8);
  // It is tried again, less and less often.
  expect(shares.failures).toBeGreaterThan(6);
});
