import { expect, test } from "vitest";
import { TableUnavailableError } from "../../src/index.js";
import { TermHistory } from "../../src/leader/term-history.js";
import type { Held } from "../../src/protocol/lease.js";
import { resolveOptions } from "../../src/resolve-options.js";
import { TableTime } from "../../src/table-time.js";
import { between, gate, Stage } from "../support/stage.js";

/** What stands in history of each term, when the table takes no history for a time. */

const NAME = "billing/nightly";
const LEASE_MS = 3_000;

function throttled(stage: Stage) {
  let isThrottled = true;
  let tries = 0;
  const store = between(stage.table, (verb, pass) => {
    if (verb !== "recordTerm") return pass();
    tries += 1;
    return isThrottled ? Promise.reject(new TableUnavailableError("record a term")) : pass();
  });
  return {
    store,
    tries: () => tries,
    end: () => {
      isThrottled = false;
    },
  };
}

test.each([2, 60, 600])(
  "a term is recorded though the table took no history for %d s: a deletion long after uses no term twice",
  async (seconds) => {
    const stage = new Stage();
    const first = await stage.candidate("a").election.tryCampaign();
    await first?.resign();
    const history = throttled(stage);
    const leading = stage.candidate("b", { store: history.store }).election.campaign();
    await stage.advance(seconds * 1_000);
    const leadership = await leading;
    expect(leadership.term).toBe(2);
    expect(stage.table.terms(NAME).map(({ term }) => term)).toEqual([1]);
    history.end();
    await stage.advance(LEASE_MS);
    const [before, now] = stage.table.terms(NAME);
    expect(before).toMatchObject({ term: 1, endReason: "resigned", ttl: expect.any(Number) });
    expect(now).toMatchObject({ term: 2, holder: leadership.candidateId });
    expect(now?.ttl).toBeUndefined();
    // Both have landed: nothing more is written.
    const written = history.tries();
    await stage.advance(10 * LEASE_MS);
    expect(history.tries()).toBe(written);
    stage.table.deleteLease(NAME);
    const next = stage.candidate("c").election.campaign();
    await stage.advance(5 * LEASE_MS);
    expect((await next).term).toBe(3);
  },
);

test("history that fails costs about one request a renewal, not a loop that never rests", async () => {
  const stage = new Stage();
  const history = throttled(stage);
  const first = await stage.candidate("a").election.tryCampaign();
  await first?.resign();
  void stage.candidate("b", { store: history.store }).election.campaign();
  await stage.advance(100 * LEASE_MS);
  const renewals = 300;
  expect(history.tries()).toBeGreaterThan(renewals * 0.9);
  expect(history.tries()).toBeLessThan(renewals * 1.1 + 5);
});

test("a leader that goes tries some more, and no longer once it is over", async () => {
  const stage = new Stage();
  const history = throttled(stage);
  const first = await stage.candidate("a").election.tryCampaign();
  await first?.resign();
  const leading = stage.candidate("b", { store: history.store }).election.campaign();
  await stage.advance(10 * LEASE_MS);
  const before = history.tries();
  const resigned = (await leading).resign();
  await stage.advance(5_000);
  expect(await resigned).toBe("released");
  expect(history.tries()).toBe(before + 5);
  await stage.advance(10 * LEASE_MS);
  expect(history.tries()).toBe(before + 5);
  expect(stage.pendingTimers).toBe(0);
});

test("work under a session begins with its own record, and does not wait for that of the term before", async () => {
  const stage = new Stage();
  const first = await stage.candidate("a").election.tryCampaign();
  await first?.resign();
  let records = 0;
  const { opened, open } = gate();
  const store = between(stage.table, async (verb, pass) => {
    if (verb === "recordTerm") records += 1;
    // The first one is its own.
    if (verb === "recordTerm" && records > 1) await opened;
    return pass();
  });
  const { elect } = stage.session("b", { store });
  const leading = elect(NAME).campaign();
  await stage.advance(LEASE_MS);
  expect((await leading).term).toBe(2);
  expect(records).toBeGreaterThan(1);
  open();
  await stage.advance(LEASE_MS);
  expect(stage.table.terms(NAME)).toMatchObject([{ term: 1, endReason: "resigned" }, { term: 2 }]);
});

test("a lease under a session is given back before the end of the term before is in history", async () => {
  const stage = new Stage();
  const first = await stage.candidate("a").election.tryCampaign();
  await first?.resign();
  const { opened, open } = gate();
  let records = 0;
  const store = between(stage.table, async (verb, pass) => {
    if (verb === "recordTerm" && ++records > 1) await opened;
    return pass();
  });
  const { elect } = stage.session("b", { store });
  const leading = elect(NAME).campaign();
  await stage.advance(100);
  const resigned = (await leading).resign();
  // No time passes on the stage.
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  const { lease } = await stage.table.read(NAME);
  expect(lease).toMatchObject({ kind: "vacant", term: 2, endReason: "resigned" });
  open();
  await stage.advance(100);
  expect(await resigned).toBe("released");
  expect(stage.table.terms(NAME)).toMatchObject([{ term: 1, endReason: "resigned" }, { term: 2 }]);
});

test("a lease under a session is given back between two tries to write the history of the term before", async () => {
  const stage = new Stage();
  const first = await stage.candidate("a").election.tryCampaign();
  await first?.resign();
  let records = 0;
  const store = between(stage.table, async (verb, pass) => {
    if (verb === "recordTerm" && ++records === 2) throw new TableUnavailableError("record a term");
    return pass();
  });
  const { elect } = stage.session("b", { store });
  const leading = elect(NAME).campaign();
  await stage.until(() => records === 2);
  // A failure that nobody hears of would end the process.
  const unheard: unknown[] = [];
  const onUnheard = (error: unknown) => void unheard.push(error);
  process.on("unhandledRejection", onUnheard);
  try {
    const resigned = (await leading).resign();
    await stage.advance(LEASE_MS);
    expect(await resigned).toBe("released");
  } finally {
    process.off("unhandledRejection", onUnheard);
  }
  expect(unheard).toEqual([]);
  expect(stage.table.terms(NAME)).toMatchObject([{ term: 1, endReason: "resigned" }, { term: 2 }]);
});

test.each([
  ["stays", {}],
  ["may be forgotten", { deleteIdleAfterMs: 3_600_000 }],
])(
  "who gives a lease back whose row %s does not wait until thousands of others have claimed theirs",
  async (_, tuning) => {
    const stage = new Stage();
    const names = Array.from({ length: 200 }, (_, i) => `many/${i}`);
    for (const name of names) await (await stage.candidate("a", { name }).election.tryCampaign())?.resign();
    let acquired = 0;
    const store = between(stage.table, async (verb, pass) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (verb === "acquire") acquired += 1;
      return pass();
    });
    const { elect } = stage.session("b", { store });
    const [first, ...others] = names.map((name) => elect(name, { tuning }).campaign());
    let claimed: number | undefined;
    const resigned = first?.then((leadership) => leadership.resign());
    void resigned?.then(() => {
      claimed = acquired;
    });
    await stage.until(() => claimed !== undefined);
    expect(claimed).toBeLessThan(names.length / 2);
    expect(await resigned).toBe("released");
    const [before, own] = stage.table.terms("many/0");
    expect(before).toMatchObject({ term: 1, endReason: "resigned" });
    expect(own?.endReason).toBe("deleteIdleAfterMs" in tuning ? "resigned" : undefined);
    await Promise.all(others);
    await stage.advance(LEASE_MS);
    for (const name of names)
      expect(stage.table.terms(name)).toMatchObject([{ term: 1, endReason: "resigned" }, { term: 2 }]);
  },
);

test("what is to be written as the writer ends is written, in whichever microtask it comes", async () => {
  const options = resolveOptions({ name: NAME }, () => "host-1");
  const lease = { kind: "held", term: 1, revision: 1, holder: options.candidateId } as Held;
  for (let steps = 0; steps < 30; steps++) {
    let written = 0;
    const client = {
      time: new TableTime(options, () => {}),
      recordTerm: async () => {
        written += 1;
      },
    };
    const before = { previous: undefined, previousSession: undefined, vanishedTerm: undefined };
    const history = new TermHistory(client as never, options, lease, before as never);
    const began = history.refresh();
    for (let step = 0; step < steps; step++) await undefined;
    await history.givenBack(lease);
    await began;
    expect(history.isWritten, `after ${steps} microtasks`).toBe(true);
    expect(written).toBe(2);
  }
});
