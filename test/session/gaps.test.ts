import { expect, test } from "vitest";
import { endOrAbort } from "../../src/async.js";
import { TableError } from "../../src/errors.js";
import { holderOf } from "../../src/protocol/lease.js";
import { observe } from "../../src/protocol/observation.js";
import { between, gate, Stage, type Verb } from "../support/stage.js";

/** Gaps that an attack on sessions has found between two writes. */

const NAME = "billing/nightly";
const LEASE_MS = 3_000;

function scene(meddle: (verb: Verb, pass: () => Promise<unknown>) => Promise<unknown>) {
  const stage = new Stage();
  const session = stage.session("a", { store: between(stage.table, meddle) });
  return { stage, ...session, row: async () => (await stage.table.read(NAME)).lease };
}

/** Somebody has led before, and has given the lease back. */
async function hasLed(stage: Stage, options: object = {}) {
  const { election } = stage.candidate("before", options);
  let isOver = false;
  void election
    .tryLead(async () => {})
    .then(() => {
      isOver = true;
    });
  await stage.until(() => isOver);
  await stage.advance(100);
}

test.each([
  ["a founder waits one lease", {}, LEASE_MS + 1_000],
  ["a founder does not wait", { tuning: { deleteIdleAfterMs: 3_600_000 } }, 500],
])(
  "a row that is deleted before history has its term: nothing begins there, though %s",
  async (_, before, slowMs) => {
    const { opened, open } = gate();
    let isSlow = false;
    const { stage, elect, row } = scene(async (verb, pass) => {
      if (verb === "recordTerm" && isSlow) await opened;
      return pass();
    });
    await hasLed(stage, before);
    isSlow = true;
    const bid = elect().campaign();
    bid.catch(() => {});
    let isLeading = false;
    bid.then(
      () => {
        isLeading = true;
      },
      () => {},
    );
    await stage.advance(100);
    expect(holderOf(await row())).toContain("a-");
    stage.table.deleteLease(NAME);
    const other = stage.candidate("b");
    const won = other.election.campaign();
    won.catch(() => {});
    await stage.advance(slowMs);
    const leadership = await won;
    isSlow = false;
    open();
    await stage.advance(4 * LEASE_MS);
    expect(isLeading).toBe(false);
    expect(leadership.remainingMs()).toBeGreaterThan(0);
  },
);

test("an acquire that lands without an answer, and a candidate that is unhealthy from then on: others get the lease", async () => {
  let isLost = false;
  let isHealthy = true;
  const { stage, elect, row } = scene(async (verb, pass) => {
    const answer = await pass();
    if (verb !== "acquire" || !isLost) return answer;
    isLost = false;
    isHealthy = false;
    return new Promise(() => {});
  });
  // The session lives on with another lease.
  void elect("another").campaign();
  await stage.advance(1_000);
  isLost = true;
  void elect(NAME, { healthy: () => isHealthy }).campaign();
  await stage.advance(500);
  expect(holderOf(await row())).toContain("a-");
  const { election } = stage.candidate("b");
  let isElected = false;
  void election.campaign().then(() => {
    isElected = true;
  });
  await stage.until(() => isElected, 5 * LEASE_MS);
});

test("a wait that ends at once hears of no failure later, and leaves none unhandled", async () => {
  const failed = Promise.reject(new Error("the table does not answer"));
  await endOrAbort(failed, AbortSignal.abort());
});

test("a bid that was aborted while its health was asked reads nothing any more", async () => {
  const { opened, open } = gate();
  const verbs: Verb[] = [];
  const { stage, session, elect } = scene((verb, pass) => {
    verbs.push(verb);
    return pass();
  });
  const names = ["one", "two"];
  let asked = 0;
  const healthy = async () => {
    asked += 1;
    if (asked > names.length) await opened;
    return false;
  };
  const elections = names.map((name) => elect(name, { healthy }));
  for (const election of elections) void election.tryLead(async () => {});
  await stage.advance(1_000);
  const tries = elections.map((election) => election.tryLead(async () => {}));
  const closed = Promise.all(
    tries.map((tried) => expect(tried).rejects.toMatchObject({ code: "SESSION_CLOSED" })),
  );
  await stage.advance(10);
  void session.close();
  await stage.advance(10);
  verbs.length = 0;
  open();
  await stage.advance(10);
  await closed;
  expect(verbs).toEqual([]);
});

test("a pair that another holder shows again is a new one: its holder has not been silent", () => {
  const times = { revision: 3, leaseDurationMs: LEASE_MS, renewIntervalMs: 1_000 };
  const held = (holder: string) => ({ kind: "held" as const, term: 2, holder, ...times });
  const first = observe(undefined, held("a"), 1_000, true);
  expect(observe(first, held("a"), 2_000, true).firstSeenMs).toBe(1_000);
  expect(observe(first, held("b"), 2_000, true).firstSeenMs).toBe(2_000);
});

test("history that refuses the term for good: the lease is given back, and the bid says why", async () => {
  const { stage, elect, row } = scene(async (verb, pass) => {
    if (verb === "recordTerm") throw new TableError("incumbent", "access-denied", "grant it");
    return pass();
  });
  await hasLed(stage);
  const bid = elect().campaign();
  let failure: unknown;
  bid.catch((error: unknown) => {
    failure = error;
  });
  await stage.until(() => failure !== undefined);
  expect(failure).toBeInstanceOf(TableError);
  await stage.advance(LEASE_MS);
  expect(holderOf(await row())).toBeUndefined();
});
