import { expect, test } from "vitest";
import { type Election, Operator } from "../src/index.js";
import { leaderHandler } from "../src/lambda/index.js";
import { Leadership } from "../src/leader/leadership.js";
import { MemoryTable } from "../src/testing/index.js";
import { errorOf } from "./support/canary.js";
import { Stage } from "./support/stage.js";

/** Calls that cannot be meant are refused at once: nothing is begun, and no lease is won first. */

const { signal } = new AbortController();
const work = () => expect.unreachable();
const NO_WORK: Record<string, (election: Election, nothing: never) => unknown> = {
  lead: (election, nothing) => election.lead(nothing),
  runOnce: (election, nothing) => election.runOnce("2026-01-01", nothing),
  tryLead: (election, nothing) => election.tryLead(nothing),
};
/** Each call with something in place of its options. */
const CALLS: Record<string, (election: Election, options: never) => unknown> = {
  lead: (election, options) => election.lead(work, options),
  campaign: (election, options) => election.campaign(options),
  tryCampaign: (election, options) => election.tryCampaign(options),
  runOnce: (election, options) => election.runOnce("2026-01-01", work, options),
  tryLead: (election, options) => election.tryLead(work, options),
  leader: (election, options) => election.leader(options),
  observe: (election, options) => election.observe(options).next(),
  candidates: (election, options) => election.candidates(options),
  history: (election, options) => election.history(options),
  isWedged: (election, options) => election.isWedged(options),
};
const ON_LEADERSHIP: Record<string, (leadership: Leadership, options: never) => unknown> = {
  resign: (leadership, options) => leadership.resign(options),
  stepDown: (leadership, options) => leadership.stepDown(options),
  transact: (leadership, options) =>
    leadership.transact([{ Put: { TableName: "ledger", Item: { id: "1" } } }], options),
};

async function refusal(call: (election: Election) => unknown): Promise<unknown> {
  const stage = new Stage();
  const { election } = stage.candidate("a", { succession: "arrival" });
  const error = await errorOf(() => call(election));
  expect(stage.pendingTimers).toBe(0);
  expect((await stage.table.read("billing/nightly")).lease).toBeUndefined();
  expect((await stage.table.readCandidates("billing/nightly")).candidates).toEqual([]);
  // It was no bid: another one can begin.
  expect((await election.tryCampaign())?.term).toBe(1);
  return error;
}

test.each(Object.entries(NO_WORK))("%s without work is refused before anything is begun", async (_, call) => {
  for (const nothing of [undefined, null, {}, "work"]) {
    expect(await refusal((election) => call(election, nothing as never))).toMatchObject({
      code: "INVALID_OPTION",
      option: "work",
      rule: "must be a function",
    });
  }
});

test.each(Object.entries(CALLS))("%s with a signal in place of its options is refused", async (_, call) => {
  for (const options of [signal, null, "signal"]) {
    expect(await refusal((election) => call(election, options as never))).toMatchObject({
      code: "INVALID_OPTION",
      option: "options",
      message: expect.stringMatching(/^options: must be an object with signal.*Suggestion: \{ signal \}\.$/),
    });
  }
});

test.each(Object.entries(CALLS))(
  "%s with a number in place of its options is refused",
  async (called, call) => {
    const name = called === "history" ? "limit" : "signal";
    expect(await refusal((election) => call(election, 7 as never))).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(`Suggestion: { ${name} }.`),
    });
  },
);

test.each(Object.entries(CALLS))(
  "%s refuses names that it does not know, and what is no signal",
  async (_, call) => {
    expect(await refusal((election) => call(election, { sginal: signal } as never))).toMatchObject({
      option: "sginal",
      message: expect.stringContaining("did you mean signal?"),
    });
    expect(
      await refusal((election) => call(election, { signal: { aborted: false } } as never)),
    ).toMatchObject({
      option: "signal",
      rule: "must be an AbortSignal",
    });
  },
);

test.each([
  ["announce", (election: Election) => election.lead(work, { announce: "no" as never })],
  ["wait", (election: Election) => election.runOnce("2026-01-01", work, { wait: 1 as never })],
])("%s must be true or false", async (option, call) => {
  expect(await refusal(call)).toMatchObject({ option, rule: "must be true or false" });
});

test("onWorkError must be one of its two words", async () => {
  const call = (election: Election) => election.lead(work, { onWorkError: "again" as never });
  expect(await refusal(call)).toMatchObject({ option: "onWorkError", rule: 'must be "stop" or "retry"' });
});

test.each(Object.entries(ON_LEADERSHIP))(
  "%s of a leadership checks its options, and leads on",
  async (_, call) => {
    const stage = new Stage();
    const { election } = stage.candidate("a");
    const leadership = await election.campaign();
    for (const [options, option] of [
      [signal, "options"],
      ["b-1", "options"],
      [{ tto: "b-1" }, /tto|options/],
    ] as const) {
      const error = await errorOf(() => call(leadership, options as never));
      expect(error).toMatchObject({ code: "INVALID_OPTION", option: expect.stringMatching(option) });
    }
    leadership.throwIfLost();
  },
);

test("an operator's step-down to somebody, without braces, is refused", async () => {
  const operator = new Operator({ store: new MemoryTable(), name: "billing/nightly" });
  expect(await errorOf(() => operator.requestStepDown("b-1" as never))).toMatchObject({ option: "options" });
});

test("what is awaited rejects and never throws; what is not awaited throws", async () => {
  const leadership = await new Stage().candidate("a").election.campaign();
  const operator = new Operator({ store: new MemoryTable(), name: "billing/nightly" });
  const bad = { unknown: 1 } as never;
  const awaited: Array<() => unknown> = [
    ...Object.values(CALLS).map((call) => () => call(new Stage().candidate("a").election, bad)),
    () => leadership.resign(bad),
    () => leadership.transact([], bad),
    () => leadership.proclaim(7 as never),
    () => operator.requestStepDown(bad),
  ];
  for (const call of awaited) {
    const promise = call();
    expect(promise).toBeInstanceOf(Promise);
    await expect(promise).rejects.toMatchObject({ code: "INVALID_OPTION" });
  }
  const invalid = expect.objectContaining({ code: "INVALID_OPTION" });
  expect(() => leadership.stepDown(bad)).toThrow(invalid);
  expect(() => leadership.throwIfLost("2 s" as never)).toThrow(invalid);
  expect(() => leadership.guard(bad)).toThrow(invalid);
  leadership.throwIfLost();
});

test.each(["campaign", "tryCampaign"] as const)(
  "%s without await says so, whatever it is used for",
  async (call) => {
    const { election } = new Stage().candidate("a");
    const promise = election[call]();
    const names = Reflect.ownKeys(Leadership.prototype).filter((name) => name !== "constructor");
    expect(names).toContain("guard");
    const message =
      `leadership: must be awaited before it is used, because ${call}() returns a promise; ` +
      `received an object of class Promise. Suggestion: await election.${call}().`;
    for (const name of names) {
      const use = () => promise[name as keyof typeof promise];
      expect(use).toThrow(expect.objectContaining({ code: "INVALID_OPTION", message }));
    }
    const leadership = await promise;
    expect(leadership?.term).toBe(1);
    await leadership?.resign();
  },
);

test("a Lambda handler without work is refused before its bid", async () => {
  const store = new MemoryTable();
  const handler = leaderHandler(undefined as never, { store, election: "e" });
  const error = await errorOf(() => handler({}, { getRemainingTimeInMillis: () => 30_000 }));
  expect(error).toMatchObject({ option: "work" });
  expect((await store.read("e")).lease).toBeUndefined();
});
