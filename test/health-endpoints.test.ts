import { expect, test } from "vitest";
import { TableUnavailableError } from "../src/index.js";
import { between, Stage } from "./support/stage.js";

const LEASE_MS = 3_000;

test("role: idle, waiting, leader, and the standby of a line", async () => {
  const stage = new Stage();
  const { election: a } = stage.candidate("a", { succession: "arrival" });
  const { election: b } = stage.candidate("b", { succession: "arrival" });
  expect([a.role, a.msSinceContact]).toEqual(["idle", undefined]);
  const stop = new AbortController();
  const work = (leadership: { signal: AbortSignal }) =>
    new Promise<void>((resolve) => leadership.signal.addEventListener("abort", () => resolve()));
  const led = [a.lead(work, { signal: stop.signal })];
  expect(a.role).toBe("waiting");
  await stage.until(() => a.role === "leader");
  led.push(b.lead(work, { signal: stop.signal }));
  await stage.until(() => b.role === "standby");
  expect(a.role).toBe("leader");
  expect(a.msSinceContact).toBeLessThanOrEqual(LEASE_MS / 3 + 100);
  stop.abort();
  await stage.until(() => a.role === "idle" && b.role === "idle");
  await Promise.all(led);
});

test("role: an observer never leads, and a leader frozen past its lease is none when it wakes", async () => {
  const stage = new Stage();
  const { election: watcher } = stage.candidate("w", { eligible: false });
  const stop = new AbortController();
  const watching = watcher.lead(() => {}, { signal: stop.signal });
  expect(watcher.role).toBe("observer");
  const leader = stage.candidate("a");
  await leader.election.tryCampaign();
  expect(leader.election.role).toBe("leader");
  // No timer fires: the clocks are asked at the call.
  leader.clock.block(LEASE_MS);
  expect(leader.election.role).toBe("idle");
  stop.abort();
  await stage.until(() => watcher.role === "idle");
  await watching;
});

test("a leader that renews, or lost its lease, or never led is not wedged", async () => {
  const stage = new Stage();
  const { election: a } = stage.candidate("a");
  const { election: b } = stage.candidate("b");
  const leadership = await a.tryCampaign();
  for (let leases = 0; leases < 3; leases++) {
    expect([await a.isWedged(), await b.isWedged()]).toEqual([false, false]);
    await stage.advance(LEASE_MS);
  }
  await leadership?.resign();
  await b.tryCampaign();
  await stage.advance(LEASE_MS);
  expect([await a.isWedged(), await b.isWedged()]).toEqual([false, false]);
});

test("a row that names this candidate and has stood still for a lease: wedged", async () => {
  const stage = new Stage();
  const { election: a } = stage.candidate("a");
  await a.tryCampaign();
  // As if the process had lost its heartbeat: the row stays as it was, whatever is renewed.
  const { lease } = await stage.table.read("billing/nightly");
  if (lease === undefined) throw new Error("no row");
  expect(await a.isWedged()).toBe(false);
  await stage.advance(LEASE_MS - 100);
  stage.table.restore("billing/nightly", lease);
  expect(await a.isWedged()).toBe(false);
  await stage.advance(100);
  stage.table.restore("billing/nightly", lease);
  expect(await a.isWedged()).toBe(true);
});

test("a table that does not answer makes nobody wedged: it rejects", async () => {
  const stage = new Stage();
  const silent = between(stage.table, () => Promise.reject(new TableUnavailableError("read the lease")));
  const { election } = stage.candidate("a", { store: silent });
  await expect(election.isWedged()).rejects.toThrow(TableUnavailableError);
});
