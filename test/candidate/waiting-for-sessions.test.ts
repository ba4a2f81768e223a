import { describe, expect, test } from "vitest";
import { Campaign } from "../../src/candidate/campaign.js";
import { SessionWatch } from "../../src/candidate/session-watch.js";
import type { Under } from "../../src/candidate/under.js";
import type { Clock } from "../../src/clock.js";
import { Election, Operator, Session } from "../../src/index.js";
import { LeaseClient } from "../../src/lease-client.js";
import { ROW_LEASES, rowLeaseMs, sessionRowName } from "../../src/protocol/sessions.js";
import { resolveOptions } from "../../src/resolve-options.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { ManualClock } from "../../src/testing/index.js";
import { factsOf } from "../support/lease.js";
import { SessionHolder } from "../support/session-holder.js";
import { between, gate, type Player, Stage } from "../support/stage.js";

/** Candidates, with and without a session, that wait for leases which others hold under sessions. */

const NAME = "billing/nightly";
const LEASE_MS = 3_000;
const INTERVAL_MS = LEASE_MS / 3;
const OBSERVED = { tuning: { expiry: "observation" } } as const;

async function heldUnder(stage: Stage, id: string, ...names: string[]): Promise<SessionHolder> {
  const holder = new SessionHolder(stage.table, id, LEASE_MS);
  await holder.open();
  for (const name of names.length > 0 ? names : [NAME]) await holder.take(name);
  return holder;
}

/** Lets time pass while the session's heartbeats go on. */
async function beating(stage: Stage, holder: SessionHolder, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += INTERVAL_MS) {
    await holder.beat();
    await stage.advance(INTERVAL_MS);
  }
}

/** Campaigns until it is elected; `termOf()` is undefined before that. */
function campaigning({ election }: Player): { readonly term: number | undefined } {
  const state: { term: number | undefined } = { term: undefined };
  void election.campaign().then(({ term }) => {
    state.term = term;
  });
  return state;
}

describe("a candidate without a session", () => {
  test("never takes a lease whose session lives, and hardly ever reads its row", async () => {
    const stage = new Stage();
    const holder = await heldUnder(stage, "s");
    const reads: string[] = [];
    const store = new Proxy(stage.table, {
      get(table, verb: keyof LeaseStore) {
        return (...args: unknown[]) => {
          if (verb === "read") reads.push(String(args[0]));
          return (table[verb] as (...args: unknown[]) => Promise<unknown>).apply(table, args);
        };
      },
    });
    const elected = campaigning(stage.candidate("b", { ...OBSERVED, store }));
    await beating(stage, holder, 3 * ROW_LEASES * LEASE_MS);
    expect(elected.term).toBeUndefined();
    const ofLease = reads.filter((name) => name === NAME).length;
    // Twice at the beginning, and then once per half of the row lease.
    expect(ofLease).toBeLessThanOrEqual(2 + 6);
    const intervals = 3 * ROW_LEASES * 3;
    expect(reads.length - ofLease).toBeLessThanOrEqual(intervals * 1.1);
  });

  test("leads a lease of the session after its last heartbeat, and not before", async () => {
    const stage = new Stage();
    const holder = await heldUnder(stage, "s");
    const elected = campaigning(stage.candidate("b", OBSERVED));
    await beating(stage, holder, 10 * LEASE_MS);
    await holder.beat();
    await stage.advance(LEASE_MS - 10);
    expect(elected.term).toBeUndefined();
    await stage.advance(0.1 * LEASE_MS);
    expect(elected.term).toBe(2);
    const row = factsOf((await stage.table.read(NAME)).lease);
    expect(row).toMatchObject({ session: undefined, previousEndReason: "expired" });
  });

  test("leads when the session's will has landed, or when the session was closed", async () => {
    for (const [how, endReason] of [
      ["die", "crashed"],
      ["close", "resigned"],
    ] as const) {
      const stage = new Stage();
      const holder = await heldUnder(stage, "s");
      const elected = campaigning(stage.candidate("b", OBSERVED));
      await beating(stage, holder, 5 * LEASE_MS);
      await holder[how]();
      await stage.advance(1.2 * INTERVAL_MS);
      expect(elected.term).toBe(2);
      expect(stage.table.terms(NAME)[0]).toMatchObject({ term: 1, endReason });
      expect(factsOf((await stage.table.read(NAME)).lease)?.previousEndReason).toBe(endReason);
    }
  });

  test("leads within an interval when the lease is given back and the log says so", async () => {
    const stage = new Stage();
    const holder = await heldUnder(stage, "s");
    const elected = campaigning(stage.candidate("b", OBSERVED));
    await beating(stage, holder, 5 * LEASE_MS);
    await holder.release(NAME);
    await holder.beat();
    await stage.advance(1.2 * INTERVAL_MS);
    expect(elected.term).toBe(2);
  });

  test("sees a release that the log does not tell of with its next poll of the lease row", async () => {
    const stage = new Stage();
    const holder = await heldUnder(stage, "s");
    const silent = new SessionHolder(stage.table, "s", LEASE_MS);
    const elected = campaigning(stage.candidate("b", OBSERVED));
    await beating(stage, holder, 2 * LEASE_MS);
    await silent.release(NAME);
    await beating(stage, holder, 32 * ROW_LEASES * LEASE_MS);
    expect(elected.term).toBe(2);
  });

  test("looks at once when somebody else has nudged the session for its election", async () => {
    const stage = new Stage();
    const holder = await heldUnder(stage, "s");
    const silent = new SessionHolder(stage.table, "s", LEASE_MS);
    const elected = campaigning(stage.candidate("b", OBSERVED));
    await beating(stage, holder, 2 * LEASE_MS);
    await silent.release(NAME);
    const nudge = { election: sessionRowName("s"), name: NAME };
    await stage.table.nudgeSession(nudge);
    await beating(stage, holder, LEASE_MS);
    expect(elected.term).toBe(2);
  });

  test("waits a row lease when somebody deletes the session's row", async () => {
    const stage = new Stage();
    const holder = await heldUnder(stage, "s");
    const elected = campaigning(stage.candidate("b", OBSERVED));
    await beating(stage, holder, 2 * LEASE_MS);
    stage.table.deleteLease(sessionRowName("s"));
    await stage.advance(rowLeaseMs({ leaseDurationMs: LEASE_MS }) - 10);
    expect(elected.term).toBeUndefined();
    await stage.advance(2 * LEASE_MS);
    expect(elected.term).toBe(2);
  });

  test("waits a row lease when the session died before its first heartbeat: its opening may have come twice", async () => {
    const stage = new Stage();
    const holder = await heldUnder(stage, "s");
    stage.table.deleteLease(sessionRowName("s"));
    // A late copy of the opening.
    const opening = { leaseDurationMs: LEASE_MS, renewIntervalMs: INTERVAL_MS, expiresAt: undefined };
    const mine = { election: sessionRowName("s"), candidateId: "s", attemptId: "1", at: undefined };
    await stage.table.openSession({ ...mine, ...opening });
    const elected = campaigning(stage.candidate("b", OBSERVED));
    await stage.advance(rowLeaseMs({ leaseDurationMs: LEASE_MS }));
    expect(elected.term).toBeUndefined();
    await stage.advance(2 * LEASE_MS);
    expect(elected.term).toBe(2);
    expect(holder.id).toBe("s");
  });

  test("that tries once finds a dead session in the same call, by the service clock, and by observation in the next", async () => {
    const stage = new Stage();
    const holder = await heldUnder(stage, "s");
    await holder.beat(stage.time.wallMs() + LEASE_MS);
    const quick = stage.candidate("quick");
    expect(await quick.election.tryCampaign()).toBeUndefined();
    await stage.advance(LEASE_MS + 3_000);
    expect((await quick.election.tryCampaign())?.term).toBe(2);

    const other = await heldUnder(stage, "t", "other");
    await other.beat();
    const cron = stage.candidate("cron", { ...OBSERVED, name: "other" });
    expect(await cron.election.tryCampaign()).toBeUndefined();
    await other.beat();
    await stage.advance(10 * LEASE_MS);
    expect(await cron.election.tryCampaign()).toBeUndefined();
    await stage.advance(LEASE_MS);
    expect((await cron.election.tryCampaign())?.term).toBe(2);
  });

  test("polls for an announced release as it does without a session", async () => {
    const stage = new Stage();
    const holder = await heldUnder(stage, "s");
    const elected = campaigning(stage.candidate("b", OBSERVED));
    await beating(stage, holder, 3 * LEASE_MS);
    const noticeMs = Math.ceil(INTERVAL_MS * 1.05);
    await holder.announce(NAME, noticeMs);
    await holder.beat();
    await stage.advance(noticeMs);
    expect(elected.term).toBeUndefined();
    await holder.release(NAME);
    await holder.beat();
    await stage.advance(50);
    expect(elected.term).toBe(2);
  });

  test("leads soon after an eviction that the holder has acknowledged, and else after a row lease", async () => {
    const stage = new Stage();
    const holder = await heldUnder(stage, "s");
    const elected = campaigning(stage.candidate("b", OBSERVED));
    await beating(stage, holder, 2 * LEASE_MS);
    await stage.table.evict({ election: NAME, term: 1, at: undefined });
    holder.log(NAME);
    await beating(stage, holder, 4 * LEASE_MS);
    expect(elected.term).toBeUndefined();
    await stage.table.acknowledgeEviction({ election: NAME, term: 1 });
    await stage.advance(1.2 * INTERVAL_MS);
    expect(elected.term).toBe(3);
  });
});

describe("an operator", () => {
  test("tells the session of what it writes on a lease row of it, and fails nothing if that fails", async () => {
    const stage = new Stage();
    await heldUnder(stage, "s", NAME, "other");
    const nudges = async () => factsOf((await stage.table.read(sessionRowName("s"))).lease);
    const operator = new Operator({ store: stage.table, name: NAME });
    await operator.requestStepDown();
    expect(await nudges()).toMatchObject({ nudges: 1, nudged: NAME });
    await operator.pause();
    expect(await nudges()).toMatchObject({ nudges: 2 });
    await operator.resume();
    expect(await nudges()).toMatchObject({ nudges: 3 });
    await operator.evict();
    expect(await nudges()).toMatchObject({ nudges: 4, nudged: NAME });
    const store = between(stage.table, (verb, pass) =>
      verb === "nudgeSession" ? Promise.reject(new Error("not allowed")) : pass(),
    );
    expect((await new Operator({ store, name: "other" }).evict()).done).toBe(true);
  });
});

/** What a fleet asks the table for. */
function counting(store: LeaseStore) {
  const requests: string[] = [];
  const counted = between(store, (verb, pass) => {
    requests.push(verb);
    return pass();
  });
  return { store: counted, count: (verb: string) => requests.filter((sent) => sent === verb).length };
}

describe("a process that waits for many leases of one session", () => {
  const names = Array.from({ length: 250 }, (_, i) => `customers/${i}`);

  async function waiting() {
    const stage = new Stage();
    const { store, count } = counting(stage.table);
    const holder = await heldUnder(stage, "s", ...names);
    const session = new Session({
      store,
      leaseDurationMs: LEASE_MS,
      runtime: { clock: stage.time as Clock },
    });
    const elections = names.map((name) => new Election({ session, name }));
    const elected = new Set<string>();
    const stop = new AbortController();
    const campaigns = elections.map((election) =>
      election.lead(
        ({ signal }) => {
          elected.add(election.name);
          return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        },
        { signal: stop.signal, announce: false },
      ),
    );
    await beating(stage, holder, LEASE_MS);
    const end = async () => {
      stop.abort();
      const closing = session.close();
      await stage.advance(2 * LEASE_MS);
      await Promise.allSettled([...campaigns, closing]);
      expect(stage.pendingTimers).toBe(0);
    };
    return { stage, count, holder, elected, end };
  }

  test("reads their rows a hundred at a time, and then one row per interval", async () => {
    const { stage, count, holder, end } = await waiting();
    // At the beginning, and once more when the session's log was read.
    expect(count("readMany")).toBeLessThanOrEqual(2 * 3);
    const singly = count("read");
    expect(singly).toBeLessThan(10);
    await beating(stage, holder, 4 * LEASE_MS);
    expect(count("readMany")).toBeLessThanOrEqual(2 * 3);
    expect(count("read") - singly).toBeLessThanOrEqual(12 + 4);
    await end();
  });

  test("takes all of them when the session has died, with one acquire each and no reads", async () => {
    const { stage, count, elected, end } = await waiting();
    const before = { reads: count("read"), batches: count("readMany") };
    await stage.advance(1.2 * LEASE_MS);
    expect(elected.size).toBe(names.length);
    expect(count("acquire")).toBe(names.length);
    expect(count("sealSession")).toBe(1);
    expect(count("readMany")).toBe(before.batches);
    expect(count("read") - before.reads).toBeLessThan(10);
    await end();
  });

  test("polls the session, and not the rows, for all of them that were announced", async () => {
    const { stage, count, holder, elected, end } = await waiting();
    const noticeMs = Math.ceil(INTERVAL_MS * 1.05);
    for (const name of names) await holder.announce(name, noticeMs);
    await holder.beat();
    await stage.advance(noticeMs);
    expect(elected.size).toBe(0);
    const before = { reads: count("read"), batches: count("readMany") };
    for (const name of names) await holder.release(name);
    await holder.beat();
    await stage.advance(60);
    expect(elected.size).toBe(names.length);
    expect(count("readMany") - before.batches).toBeLessThanOrEqual(4);
    expect(count("read") - before.reads).toBeLessThan(10);
    await end();
  });
});

/** A campaign under a session whose trust the test sets. */
function under(stage: Stage, store: LeaseStore = stage.table) {
  const clock = new ManualClock(stage.time.wallMs());
  const given = { name: NAME, leaseDurationMs: LEASE_MS, runtime: { clock: clock as Clock } };
  const resolved = resolveOptions(given, () => "u");
  const options = { ...resolved, rowLeaseMs: rowLeaseMs({ leaseDurationMs: LEASE_MS }) };
  const client = new LeaseClient(store, options, () => {});
  const state = { opened: 0, trustMs: 1_000, turn: Promise.resolve(), unsettled: [] as object[] };
  const session: Under = {
    open: async () => {
      state.opened += 1;
      return "mine";
    },
    trustLeftMs: () => state.trustMs,
    unsettled: (claim) => state.unsettled.push(claim),
    paced: (request) => state.turn.then(request),
    watch: new SessionWatch(client, options),
  };
  const campaign = new Campaign({ client, options, emit: () => {}, under: session });
  return { campaign, state, clock, id: options.candidateId };
}

describe("a candidate under a session", () => {
  test("takes a free lease with one acquire that names its session", async () => {
    const stage = new Stage();
    const { campaign, state, id } = under(stage);
    const outcome = await campaign.tryOnce({});
    expect(outcome).toMatchObject({ kind: "elected", lease: { session: "mine", term: 1 } });
    const row = factsOf((await stage.table.read(NAME)).lease);
    expect(row).toMatchObject({ holder: id, session: "mine", expiresAt: undefined });
    expect(row?.leaseDurationMs).toBe(ROW_LEASES * LEASE_MS);
    expect(state).toMatchObject({ opened: 1, unsettled: [] });
  });

  test("takes over from a dead session, and another one without a session takes over from it", async () => {
    const stage = new Stage();
    const dead = await heldUnder(stage, "s");
    await dead.die();
    const { campaign } = under(stage);
    expect(await campaign.tryOnce({})).toMatchObject({
      kind: "elected",
      lease: { session: "mine", term: 2 },
    });
    const plain = stage.candidate("plain");
    expect(await plain.election.tryCampaign()).toBeUndefined();
    // Its own session has no row, so it is buried.
    await stage.advance(rowLeaseMs({ leaseDurationMs: LEASE_MS }) + 10);
    expect((await plain.election.tryCampaign())?.term).toBe(3);
    expect(factsOf((await stage.table.read(NAME)).lease)).toMatchObject({ session: undefined });
  });

  test("opens no session while it only waits", async () => {
    const stage = new Stage();
    await heldUnder(stage, "s");
    const { campaign, state } = under(stage);
    expect((await campaign.tryOnce({})).kind).toBe("held");
    expect(state.opened).toBe(0);
  });

  test("is not elected if its session is lost while the acquire is under way, and the claim stays unsettled", async () => {
    const stage = new Stage();
    const held = gate();
    const store = between(stage.table, async (verb, pass) => {
      const answer = await pass();
      if (verb === "acquire") await held.opened;
      return answer;
    });
    const { campaign, state, id } = under(stage, store);
    const outcome = campaign.tryOnce({});
    await stage.advance(10);
    state.trustMs = 0;
    held.open();
    expect((await outcome).kind).toBe("held");
    expect(state.unsettled).toEqual([{ election: NAME, candidateId: id }]);
  });

  test("sends nothing if its session is lost while the claim waits for its turn", async () => {
    const stage = new Stage();
    const verbs: string[] = [];
    const store = between(stage.table, (verb, pass) => {
      verbs.push(verb);
      return pass();
    });
    const { campaign, state } = under(stage, store);
    state.trustMs = 0;
    expect((await campaign.tryOnce({})).kind).toBe("held");
    expect(verbs).not.toContain("acquire");
    expect(state.unsettled).toEqual([]);
  });

  test("leaves an acquire without an answer to its session when it gives up", async () => {
    const stage = new Stage();
    const store = between(stage.table, (verb, pass) => (verb === "acquire" ? new Promise(() => {}) : pass()));
    const { campaign, state, clock, id } = under(stage, store);
    const stop = new AbortController();
    const outcome = campaign.run({ signal: stop.signal }).catch((error: unknown) => error);
    // It reads in between, and the row shows what the acquire is conditional on: it may still land.
    for (let passed = 0; passed < 3 * LEASE_MS; passed += 10) await clock.advance(10);
    stop.abort("enough");
    await clock.advance(LEASE_MS);
    expect(await outcome).toBe("enough");
    expect(state.unsettled).toEqual([{ election: NAME, candidateId: id }]);
  });

  test("leaves nothing to its session when the row has gone on", async () => {
    const stage = new Stage();
    let isFirst = true;
    const store = between(stage.table, (verb, pass) => {
      if (verb !== "acquire" || !isFirst) return pass();
      isFirst = false;
      return new Promise(() => {});
    });
    const { campaign, state, clock } = under(stage, store);
    const stop = new AbortController();
    const outcome = campaign.run({ signal: stop.signal }).catch((error: unknown) => error);
    await clock.advance(10);
    await heldUnder(stage, "s");
    for (let passed = 0; passed < LEASE_MS; passed += 10) await clock.advance(10);
    stop.abort("enough");
    await clock.advance(10);
    expect(await outcome).toBe("enough");
    expect(state.unsettled).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("leaves an acquire that landed unseen, and whose row it has read since, to its session too", async () => {
    const stage = new Stage();
    let acquires = 0;
    const store = between(stage.table, async (verb, pass) => {
      if (verb !== "acquire") return pass();
      acquires += 1;
      if (acquires > 1) return new Promise(() => {});
      await pass();
      throw new Error("no answer");
    });
    const { campaign, state, id } = under(stage, store);
    await expect(campaign.tryOnce({})).rejects.toThrow("no answer");
    expect(state.unsettled).toEqual([{ election: NAME, candidateId: id }]);
  });
});
