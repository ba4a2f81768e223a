import { expect, test } from "vitest";
import { Campaign } from "../../src/candidate/campaign.js";
import { SessionWatch } from "../../src/candidate/session-watch.js";
import type { Under } from "../../src/candidate/under.js";
import { Election, type Leadership, Operator } from "../../src/index.js";
import { LeaseClient } from "../../src/lease-client.js";
import { rowLeaseMs, sessionRowName } from "../../src/protocol/sessions.js";
import { resolveOptions } from "../../src/resolve-options.js";
import { storeOf } from "../../src/store/open-store.js";
import { eventually, leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { SessionHolder } from "../support/session-holder.js";

/** The same on DynamoDB Local: candidates with and without a session wait for leases under sessions. */

const LEASE_MS = 1_500;

test("a dead session's leases go to those who wait, with and without a session, each to one of them", async () => {
  const client = newClient();
  const tableName = await newLeaseTable(client);
  const store = storeOf({ client, tableName });
  const names = Array.from({ length: 12 }, (_, i) => `job/${i}`);
  const dead = new SessionHolder(store, "dead", LEASE_MS);
  await dead.open();
  for (const name of names) await dead.take(name);

  const own = { election: sessionRowName("mine"), candidateId: "mine", attemptId: "1", at: undefined };
  const never = new AbortController().signal;
  const times = { leaseDurationMs: LEASE_MS, renewIntervalMs: LEASE_MS / 3, expiresAt: undefined };
  await store.openSession({ ...own, ...times }, never);
  const watchOptions = resolveOptions({ name: "mine", leaseDurationMs: LEASE_MS }, () => "u");
  const watch = new SessionWatch(new LeaseClient(store, watchOptions, () => {}), watchOptions);
  const session: Under = {
    open: async () => "mine",
    trustLeftMs: () => LEASE_MS,
    unsettled: () => {},
    paced: (request) => request(),
    watch,
  };
  const stop = new AbortController();
  const winners = new Map<string, string[]>(names.map((name) => [name, []]));
  const leaderships: Leadership[] = [];
  for (const name of names) {
    const plain = new Election({ client, tableName, name, leaseDurationMs: LEASE_MS });
    void plain.campaign({ signal: stop.signal }).then(
      (leadership) => {
        leaderships.push(leadership);
        winners.get(name)?.push(`plain ${leadership.term}`);
      },
      () => {},
    );
    const options = {
      ...resolveOptions({ name, leaseDurationMs: LEASE_MS }, () => "u"),
      rowLeaseMs: rowLeaseMs({ leaseDurationMs: LEASE_MS }),
    };
    const lease = new LeaseClient(store, options, () => {});
    void new Campaign({ client: lease, options, emit: () => {}, under: session })
      .run({ signal: stop.signal })
      .then(
        (won) => winners.get(name)?.push(`session ${won.lease.term}`),
        () => {},
      );
  }
  // All have seen that it lives.
  for (let beats = 0; beats < 3; beats++) {
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS / 3));
    expect(await dead.beat()).toBe(true);
    expect([...winners.values()].flat()).toEqual([]);
  }
  await eventually(() => [...winners.values()].every((won) => won.length > 0));
  expect(await dead.beat()).toBe(false);
  for (const [name, won] of winners) {
    // On a slow machine an acquire can be answered too late, or a lease run out: the next term has another number.
    const terms = won.map((one) => one.split(" ")[1]);
    expect(new Set(terms).size).toBe(terms.length);
    const row = await leaseRow(client, tableName, name);
    if (row?.term?.N !== terms.at(-1)) continue;
    const isUnderSession = won.at(-1)?.startsWith("session");
    expect(row?.session?.S).toBe(isUnderSession ? "mine" : undefined);
    expect(row?.expiresAt === undefined).toBe(isUnderSession);
    if (row?.term?.N === "2") expect(row.previousEndReason?.S).toBe("expired");
  }
  stop.abort();
  await Promise.all(leaderships.map((leadership) => leadership.resign()));
});

test("an operator's eviction reaches the session, and the row is free when the holder acknowledges it", async () => {
  const client = newClient();
  const tableName = await newLeaseTable(client);
  const store = storeOf({ client, tableName });
  const name = "billing/nightly";
  const holder = new SessionHolder(store, "s", LEASE_MS);
  await holder.open();
  await holder.take(name);
  const { done } = await new Operator({ client, tableName, name }).evict();
  expect(done).toBe(true);
  const session = await leaseRow(client, tableName, sessionRowName("s"));
  expect([session?.nudges?.N, session?.nudged?.S]).toEqual(["1", name]);
  expect((await leaseRow(client, tableName, name))?.session).toBeUndefined();
  const plain = new Election({ client, tableName, name, leaseDurationMs: LEASE_MS });
  expect(await plain.tryCampaign()).toBeUndefined();
  await store.acknowledgeEviction({ election: name, term: 1 }, new AbortController().signal);
  const leadership = await plain.tryCampaign();
  expect(leadership?.term).toBe(3);
  await leadership?.resign();
});
