import { expect, test } from "vitest";
import { type Leadership, Operator, TableUnavailableError } from "../../src/index.js";
import { type Held, holderOf, sessionOf } from "../../src/protocol/lease.js";
import { rowLeaseMs, sessionRowName } from "../../src/protocol/sessions.js";
import type { Written } from "../../src/protocol/verbs.js";
import { LEASE_MS, NAME, never, passing, sessionScene, won } from "../support/session-scene.js";
import { between, gate, Stage } from "../support/stage.js";
import { contentOf, FakeExecutor, sendSigned, withWills } from "../support/wills.js";

/** What an attack on sessions has found, or looked for. */

function operator(stage: Stage, name = NAME): Operator {
  return new Operator({ store: stage.table, name, runtime: { clock: stage.clock() } } as never);
}

test("closing during an opening: what opens late is given back, and nothing is left", async () => {
  const { stage, faults, session, elect, row } = sessionScene({ stopTimeoutMs: 0 });
  const { opened, open } = gate();
  let id: string | undefined;
  faults.set("openSession", async (pass) => {
    await opened;
    const written = (await pass()) as Written<Held>;
    id = holderOf(written.lease);
    return written;
  });
  const bid = elect().campaign();
  bid.catch(() => {});
  await stage.advance(100);
  expect(await passing(stage, session.close())).toBe("released");
  open();
  await expect(passing(stage, bid)).rejects.toMatchObject({ code: "SESSION_CLOSED" });
  await stage.advance(100);
  expect(session.isOpen).toBe(false);
  expect(await row(sessionRowName(id ?? ""))).toMatchObject({ kind: "vacant" });
  expect(stage.pendingTimers).toBe(0);
});

test("an opening whose row shows somebody else is not used", async () => {
  const { stage, faults, session, elect, verbs } = sessionScene();
  faults.set("openSession", async (pass) => {
    faults.delete("openSession");
    const { lease } = (await pass()) as Written<Held>;
    return { done: false, lease: { ...lease, attemptId: "another" } };
  });
  const leadership = await passing(stage, elect().campaign());
  expect(verbs.filter((verb) => verb === "openSession")).toHaveLength(2);
  expect(session.isOpen).toBe(true);
  leadership.throwIfLost(1_000);
});

test("a bug that is found in one lease ends the whole session, and gives nothing back", async () => {
  const world = sessionScene();
  const { stage, faults, session, row } = world;
  const [x, y] = [await won(stage, world, "x"), await won(stage, world, "y")];
  const { id = "" } = session;
  faults.set("renew", async (pass) => {
    const answer = (await pass()) as Written<Held>;
    return sessionOf(answer.lease) ? { ...answer, lease: { ...answer.lease, term: 77 } } : answer;
  });
  const told = x.proclaim("http://10.0.0.7");
  await expect(passing(stage, told)).rejects.toMatchObject({ reason: "internal-error" });
  expect(y.signal.reason).toMatchObject({ reason: "session-lost" });
  faults.delete("renew");
  await stage.advance(100);
  for (const name of ["x", "y", sessionRowName(id)]) expect(await row(name)).toMatchObject({ kind: "held" });
});

test("a session that is lost between an acquire and its answer begins nothing", async () => {
  const world = sessionScene();
  const { stage, faults, session, elect, row, events } = world;
  await won(stage, world, "other");
  const { id = "" } = session;
  const { opened, open } = gate();
  faults.set("acquire", async (pass) => {
    const answer = await pass();
    await opened;
    return answer;
  });
  const tried = elect().tryCampaign();
  tried.catch(() => {});
  await stage.until(() => world.verbs.at(-1) === "acquire" || world.verbs.includes("acquire"));
  await stage.advance(20);
  stage.table.deleteLease(sessionRowName(id));
  await stage.advance(400);
  world.clock.freeze(LEASE_MS);
  open();
  const leadership = await passing(stage, tried).catch(() => undefined);
  // It may try again: under another session, and in another term.
  expect(leadership?.term).not.toBe(1);
  expect(sessionOf(await row())).not.toBe(leadership && id);
  const elected = events.filter((event) => event.type === "elected" && event.election === NAME);
  expect(elected).not.toContainEqual(expect.objectContaining({ term: 1 }));
});

test("an answer that is late for the row lease confirms nothing", async () => {
  const world = sessionScene();
  const { stage, faults } = world;
  const leadership = await won(stage, world);
  const rowMs = rowLeaseMs({ leaseDurationMs: LEASE_MS });
  faults.set("readMany", async (pass) => {
    const answer = await pass();
    await new Promise((resolve) => stage.time.setTimer(600, () => resolve(undefined)));
    return answer;
  });
  await stage.advance(rowMs * 3);
  leadership.throwIfLost();
  faults.set("readMany", never);
  await stage.advance(rowMs + 10);
  expect(() => leadership.throwIfLost()).toThrow(expect.objectContaining({ reason: "expired" }));
});

test("a look that left before a release is taken for no loss, and one that follows its acquire neither", async () => {
  const world = sessionScene();
  const { stage, faults, elect, events } = world;
  const election = elect();
  const first = await passing(stage, election.campaign());
  const { opened, open } = gate();
  faults.set("readMany", async (pass) => {
    const answer = await pass();
    await opened;
    return answer;
  });
  await won(stage, world, "other");
  await stage.advance(8 * LEASE_MS);
  expect(await passing(stage, first.resign())).toBe("released");
  const second = await passing(stage, election.campaign());
  open();
  await stage.advance(100);
  second.throwIfLost(1_000);
  expect(events.filter((event) => event.type === "ended" && event.election === NAME)).toMatchObject([
    { reason: "resigned" },
  ]);
});

test("a nudge during a look leads to another look", async () => {
  const world = sessionScene();
  const { stage, faults } = world;
  const leadership = await won(stage, world);
  const { opened, open } = gate();
  let looks = 0;
  faults.set("readMany", async (pass) => {
    looks += 1;
    const answer = await pass();
    if (looks === 1) await opened;
    return answer;
  });
  await stage.until(() => looks === 1, 9 * LEASE_MS);
  await passing(stage, operator(stage).evict());
  await stage.advance(LEASE_MS / 3 + 100);
  open();
  await stage.advance(100);
  expect(leadership.signal.reason).toMatchObject({ reason: "evicted" });
});

test("nudges that come while the process is cut off are all followed afterwards", async () => {
  const world = sessionScene();
  const { stage, faults } = world;
  const leaderships: Leadership[] = [];
  for (const name of ["x", "y", "z"]) leaderships.push(await won(stage, world, name));
  await stage.advance(LEASE_MS);
  faults.set("renew", () => Promise.reject(new Error("cut off")));
  await stage.advance(100);
  for (const name of ["x", "y"]) await passing(stage, operator(stage, name).evict());
  faults.delete("renew");
  await stage.advance(LEASE_MS / 2 + 200);
  expect(leaderships.map(({ signal }) => signal.reason?.reason)).toEqual(["evicted", "evicted", undefined]);
});

test("after an older row of the session was put back, its count of nudges is lower, and the next nudge is followed", async () => {
  const world = sessionScene();
  const { stage } = world;
  const [x, y] = [await won(stage, world, "x"), await won(stage, world, "y")];
  await stage.advance(LEASE_MS);
  const session = sessionRowName(sessionOf((await world.row("x")) as Held) as string);
  const older = (await world.row(session)) as Held;
  for (let i = 0; i < 3; i++) await stage.table.nudgeSession({ election: session, name: "y" });
  await stage.advance(LEASE_MS);
  expect(await world.row(session)).toMatchObject({ nudges: 3 });
  stage.table.restore(session, older);
  await passing(stage, operator(stage, "x").evict());
  await stage.advance(LEASE_MS / 2);
  expect(await world.row(session)).toMatchObject({ nudges: 1 });
  expect(x.signal.reason).toMatchObject({ reason: "evicted" });
  y.throwIfLost(1_000);
});

test("after an older row of a lease was put back, a pause is followed", async () => {
  const world = sessionScene();
  const { stage } = world;
  const leadership = await won(stage, world);
  await stage.advance(LEASE_MS);
  const older = (await world.row()) as Held;
  await passing(stage, leadership.proclaim("later"));
  expect(await world.row()).toMatchObject({ value: "later" });
  stage.table.restore(NAME, older);
  await passing(stage, operator(stage).pause());
  await stage.advance(LEASE_MS);
  expect(leadership.signal.reason).toMatchObject({ reason: "paused" });
});

test("after an eviction whose holder has stopped, the next candidate need not wait for the row lease", async () => {
  const world = sessionScene();
  const { stage, elect } = world;
  const life = elect().lead(
    (leadership) =>
      new Promise<void>((resolve) => leadership.signal.addEventListener("abort", () => resolve())),
  );
  life.catch(() => {});
  await stage.advance(LEASE_MS);
  const next = stage.session("b").elect().campaign();
  await stage.advance(LEASE_MS);
  await passing(stage, operator(stage).evict());
  const startMs = stage.time.monotonicMs();
  await Promise.race([passing(stage, next, 60_000).catch(() => {}), life]);
  expect(stage.time.monotonicMs() - startMs).toBeLessThan(rowLeaseMs({ leaseDurationMs: LEASE_MS }) / 2);
});

test("the last will of a session frees all its leases, and a tick that is being completed is not lost with it", async () => {
  const stage = new Stage();
  const executor = new FakeExecutor();
  const { opened, open } = gate();
  let isDying = false;
  const meddled = between(stage.table, (verb, pass) => {
    if (verb !== "resign") return pass();
    isDying = true;
    return opened.then(never);
  });
  const process = stage.session("a", { store: withWills(meddled, executor), lastWill: true });
  await won(stage, process, "x");
  const run = process.elect("job").runOnce("2026-01-31T03:00:00Z", () => "done");
  run.catch(() => {});
  await stage.until(() => isDying);
  executor.exit();
  for (const will of [...executor.wills.values()]) await sendSigned(stage.table, will.request);
  expect((await stage.table.read("job")).lease).toMatchObject({
    kind: "vacant",
    ticks: { completed: ["2026-01-31T03:00:00.000Z"] },
  });
  const verbs = [...executor.wills.values()].map(({ request }) => contentOf(request).verb).sort();
  expect(verbs).toEqual(["crash", "resign"]);
  const heir = stage.session("b");
  expect((await won(stage, heir, "x")).term).toBe(2);
  open();
});

test("work that overruns under a session: a release that comes late gives the lease back", async () => {
  const world = sessionScene({ stopTimeoutMs: 500 });
  const { stage, elect, row } = world;
  await won(stage, world, "other");
  const { opened, open } = gate();
  const stop = new AbortController();
  const life = elect().lead(() => opened, { signal: stop.signal });
  life.catch(() => {});
  await stage.advance(200);
  stop.abort();
  await expect(passing(stage, life)).rejects.toMatchObject({ code: "WORK_NOT_STOPPED" });
  expect(await row()).toMatchObject({ kind: "held" });
  open();
  await stage.advance(200);
  expect(await row()).toMatchObject({ kind: "vacant", term: 1 });
});

test("work under a session begins when history has its term, and not before", async () => {
  const world = sessionScene();
  const { stage, faults, elect } = world;
  faults.set("recordTerm", () => Promise.reject(new TableUnavailableError("record a term")));
  let hasBegun = false;
  const life = elect().lead(({ signal }) => {
    hasBegun = true;
    return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  });
  await stage.advance(3 * LEASE_MS);
  expect(hasBegun).toBe(false);
  faults.delete("recordTerm");
  await stage.until(() => hasBegun);
  void world.session.close();
  await passing(stage, life);
});

test("an opening whose answer contradicts the table's time is given back: its end came too early for others", async () => {
  const { stage, faults, verbs, process, row } = sessionScene();
  const opened: string[] = [];
  const election = process.elect();
  await passing(stage, election.leader());
  // Both clocks of the host stand still while the request is under way.
  faults.set("openSession", async (pass) => {
    if (opened.length === 0) stage.time.stepWall(20_000);
    const answer = (await pass()) as { readonly lease: { readonly holder: string } };
    opened.push(answer.lease.holder);
    return answer;
  });
  const leadership = await passing(stage, election.campaign());
  const { id = "" } = process.session;
  expect(opened).toHaveLength(2);
  expect(opened[1]).toBe(id);
  expect(verbs).toContain("resign");
  expect(await row(sessionRowName(opened[0] ?? ""))).toMatchObject({ kind: "vacant", endReason: "resigned" });
  const held = (await row(sessionRowName(id))) as Held;
  // Either none, or one that is not before the trust that it gives.
  const endsMs = held.expiresAt ?? Number.POSITIVE_INFINITY;
  expect(endsMs).toBeGreaterThanOrEqual(stage.time.wallMs() + process.session.remainingMs());
  expect(leadership.remainingMs()).toBeGreaterThan(0);
});
