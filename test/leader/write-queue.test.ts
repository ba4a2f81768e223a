import { expect, test } from "vitest";
import { WriteQueue } from "../../src/leader/write-queue.js";
import { between, Stage } from "../support/stage.js";

test("renewals go between transactions, however many wait: the lease is kept", async () => {
  const stage = new Stage();
  const { time } = stage;
  let transactions = 0;
  const store = between(stage.table, async (verb, pass) => {
    if (verb !== "transact") return pass();
    transactions += 1;
    await new Promise<void>((resolve) => time.setTimer(400, resolve));
    return pass();
  });
  const { election, events } = stage.candidate("a", { store });
  const leadership = await election.campaign();
  // All on one item, so that none shares a transaction with another.
  const put = { Put: { TableName: "ledger", Item: { id: "1" } } };
  const calls = Promise.all(Array.from({ length: 40 }, () => leadership.transact([put])));
  await stage.until(() => transactions === 40);
  await stage.advance(1_000);
  await calls;
  expect(leadership.term).toBe(1);
  leadership.throwIfLost();
  const renewals = events.filter(({ type }) => type === "renewed").length;
  // One each second of the sixteen, though a transaction was always in flight.
  expect(renewals).toBeGreaterThanOrEqual(14);
  expect(events.filter(({ type }) => type === "renewal-failed")).toEqual([]);
  await leadership.resign();
});

test("one at a time and in order, whether the one before succeeds or fails", async () => {
  const writes = new WriteQueue();
  const said: string[] = [];
  const task = (name: string, fails = false) =>
    writes.run(async () => {
      said.push(`${name} begins`);
      await Promise.resolve();
      said.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const outcomes = await Promise.allSettled([task("a"), task("b", true), task("c")]);
  expect(said).toEqual(["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});
