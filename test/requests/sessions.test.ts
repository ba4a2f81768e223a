import { expect, test } from "vitest";
import { TableUnavailableError } from "../../src/errors.js";
import { LeaseClient } from "../../src/lease-client.js";
import type { Held } from "../../src/protocol/lease.js";
import { OPENING_REVISION, sessionRowName } from "../../src/protocol/sessions.js";
import type { Written } from "../../src/protocol/verbs.js";
import { type ResolvedOptions, resolveOptions } from "../../src/resolve-options.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { ManualClock, MemoryTable } from "../../src/testing/index.js";
import { between, type Verb } from "../support/stage.js";

/** The verbs of sessions as a candidate sends them (rule 14): what each writes, and what a lost answer means (rule 3). */

const NAME = "billing/nightly";
const LEASE_MS = 3_000;
const WEEK_S = 7 * 86_400;

function scene(meddle?: (verb: Verb, pass: () => Promise<unknown>) => Promise<unknown>) {
  const clock = new ManualClock(1_800_000_000_000);
  const table = new MemoryTable({ serviceTimeMs: () => clock.wallMs() });
  const store: LeaseStore = meddle ? between(table, meddle) : table;
  const client = (changes: Partial<ResolvedOptions> = {}) => {
    const given = { store, name: NAME, leaseDurationMs: LEASE_MS, runtime: { clock } };
    return new LeaseClient(store, { ...resolveOptions(given, () => "a"), ...changes }, () => {});
  };
  const holder = (id = "s") => client({ name: sessionRowName(id), candidateId: id });
  const row = async (name = sessionRowName("s")) => (await table.read(name)).lease;
  return { clock, table, client, holder, row };
}

/** An answer that is lost, and then the SDK's own retry, whose answer comes. */
const retried = (asked: Verb) => async (verb: Verb, pass: () => Promise<unknown>) => {
  if (verb === asked) await pass();
  return pass();
};

const own = (revision: number, clock: ManualClock) => ({
  term: 1,
  revision,
  at: { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() },
});
const renewal = { value: undefined, nextInMs: () => 1_000, line: undefined, announcement: undefined };

test("each write of a session's holder puts its ttl off to a week later, also before the table's time is known", async () => {
  const { clock, holder, row } = scene();
  const client = holder();
  const opened = await client.openSession();
  expect(opened).toMatchObject({ succeeded: true, lease: { holder: "s", revision: OPENING_REVISION } });
  const nowS = () => Math.ceil(clock.wallMs() / 1_000);
  const ttl = async () => ((await row()) as { ttl?: number }).ttl ?? 0;
  expect(Math.abs((await ttl()) - nowS() - WEEK_S)).toBeLessThanOrEqual(2);
  await clock.advance(86_400_000);
  await client.renew(own(9, clock), renewal, 1_000);
  expect(Math.abs((await ttl()) - nowS() - WEEK_S)).toBeLessThanOrEqual(2);
  await clock.advance(86_400_000);
  await client.resign(own(10, clock), { reason: "resigned", ticksBefore: undefined }, 1_000);
  expect(await row()).toMatchObject({ kind: "vacant", endReason: "resigned" });
  expect(Math.abs((await ttl()) - nowS() - WEEK_S)).toBeLessThanOrEqual(2);
});

test("an election's own row gets no ttl from any of this", async () => {
  const { clock, client, row } = scene();
  const own1 = client({ candidateId: "a" });
  const place = await own1.createPlaceholder(1_000);
  const { revision = 0 } = place.answer.lease ?? {};
  const basis = { term: 0, revision, founding: { highestTerm: 0 } };
  await own1.acquire({ basis, term: 1 });
  await own1.renew(own(2, clock), renewal, 1_000);
  expect(await row(NAME)).not.toMatchObject({ ttl: expect.anything() });
});

test("an opening whose answer was lost, and that the SDK sent again, has opened the session", async () => {
  const { holder } = scene(retried("openSession"));
  expect(await holder().openSession()).toMatchObject({ succeeded: true, lease: { holder: "s" } });
});

test("an opening upon another one, or upon what it left, has not", async () => {
  const { holder } = scene();
  await holder().openSession();
  expect(await holder().openSession()).toMatchObject({ succeeded: false, lease: { holder: "s" } });
});

test("an opening without an answer rejects: whether it landed is unknown", async () => {
  const { clock, holder } = scene((_, pass) => pass().then(() => new Promise(() => {})));
  const opening = holder().openSession();
  const outcome = opening.catch((error: unknown) => error);
  await clock.advance(LEASE_MS);
  expect(await outcome).toBeInstanceOf(TableUnavailableError);
});

test("a seal whose answer was lost shows the sealed row: the session has ended, whoever sealed it", async () => {
  const { holder, client } = scene(retried("sealSession"));
  await holder().openSession();
  const { answer } = await client().sealSession("s", { term: 1, revision: OPENING_REVISION });
  expect(answer).toMatchObject({ done: false, lease: { kind: "vacant", endReason: "expired" } });
});

test("a burial whose answer was lost shows its own tombstone, and one upon a living session shows that", async () => {
  const { holder, client } = scene(retried("burySession"));
  const times = { leaseDurationMs: 48_000, renewIntervalMs: 24_000 };
  const { answer } = await client().burySession("gone", times);
  expect(answer).toMatchObject({ done: false, lease: { kind: "vacant", endReason: "deleted" } });
  await holder().openSession();
  const living = await client().burySession("s", times);
  expect(living.answer).toMatchObject({ done: false, lease: { kind: "held", holder: "s" } });
});

test("a nudge names the election that it is about; twice is twice, which costs a look", async () => {
  const { holder, client, row } = scene(retried("nudgeSession"));
  await holder().openSession();
  expect((await client().nudgeSession("s")).answer).toMatchObject({ done: true });
  expect(await row()).toMatchObject({ nudges: 2, nudged: NAME, revision: OPENING_REVISION });
});

test("a lease under a session is acquired without an end of its own, for the row lease, and so is it renewed", async () => {
  const rowLeaseMs = 16 * LEASE_MS;
  for (const [order, renewIntervalMs] of [
    ["random", rowLeaseMs / 2],
    ["arrival", 1_000],
  ] as const) {
    const { clock, client } = scene();
    const under = client({ rowLeaseMs, order });
    const place = await under.createPlaceholder(1_000);
    const { revision = 0 } = place.answer.lease ?? {};
    const basis = { term: 0, revision, founding: { highestTerm: 0 } };
    const { lease } = await under.acquire({ basis, term: 1, session: "s" });
    expect(lease).toMatchObject({ session: "s", leaseDurationMs: rowLeaseMs, renewIntervalMs });
    expect((lease as Held).expiresAt).toBeUndefined();
    const renewed = await under.renew(own(2, clock), renewal, 1_000);
    expect(renewed).toMatchObject({ succeeded: true, lease: { session: "s" } });
    expect((renewed.lease as Held).expiresAt).toBeUndefined();
  }
});

test("an acknowledgement whose answer was lost lands once more on the same row; a lease that went on refuses it", async () => {
  const { client, row } = scene(retried("acknowledgeEviction"));
  const mine = client({ rowLeaseMs: 16 * LEASE_MS });
  const place = await mine.createPlaceholder(1_000);
  const { revision = 0 } = place.answer.lease ?? {};
  await mine.acquire({ basis: { term: 0, revision, founding: { highestTerm: 0 } }, term: 1, session: "s" });
  const evicted = (await mine.evict(1)).answer as Written;
  expect((await mine.acknowledgeEviction(1)).answer).toMatchObject({ done: true });
  expect(await row(NAME)).toMatchObject({ isAcknowledged: true });
  const basis = { term: 2, revision: evicted.lease?.revision ?? 0 };
  await mine.acquire({ basis, term: 3, session: "s" });
  expect((await mine.acknowledgeEviction(1)).answer).toMatchObject({ done: false });
});

test("many rows are read in one request, bounded in time like each other one", async () => {
  const { clock, client } = scene((verb, pass) => (verb === "readMany" ? new Promise(() => {}) : pass()));
  const reading = client().readMany([NAME], { consistent: true }, { timeoutMs: 50 });
  const outcome = reading.catch((error: unknown) => error);
  await clock.advance(100);
  expect(await outcome).toBeInstanceOf(TableUnavailableError);
});
