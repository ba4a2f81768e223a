import { expect, test } from "vitest";
import { slowTable, stagedFunction, TICK, watch } from "../support/lambda.js";
import { between, gate, Stage } from "../support/stage.js";

/** The wait of an invocation. */

const once = { once: "tick" } as const;

test.each([
  ["a timeout of 5 s", 5_000, once],
  ["a timeout of 6 s", 6_000, once],
  ["a lease as long as the timeout", 60_000, { ...once, leaseDurationMs: 60_000 }],
  ["a timeout of 5 s, without standing by", 5_000, { ...once, standBy: false }],
  ["a timeout of 5 s, without ticks", 5_000, {}],
])(
  "where no time is left to stand by, the bid itself is not cut off: %s",
  async (_name, timeoutMs, options) => {
    const stage = new Stage();
    const job = stagedFunction(stage, "a", () => "ran", options);
    const invocation = watch(job.invoke(undefined, timeoutMs));
    await stage.until(() => invocation.settled);
    expect(invocation).toMatchObject({ value: { role: "leader", result: "ran" } });
  },
);

test("a tick that completes just before the end of the wait is done, not missed", async () => {
  const stage = new Stage();
  const finish = gate();
  const running = watch(stage.candidate("a").election.runOnce(TICK, () => finish.opened));
  await stage.advance(100);
  const job = stagedFunction(stage, "b", () => expect.unreachable(), once);
  // 12 s less 2.4 s to drain and a lease of 5 s.
  const invocation = watch(job.invoke(undefined, 12_000));
  await stage.advance(4_500);
  finish.open();
  await stage.until(() => running.settled && invocation.settled);
  expect(invocation).toMatchObject({ value: { role: "done" } });
});

test("the history of a tick is not awaited longer than the invocation has time, though nobody requested a stop before", async () => {
  const stage = new Stage();
  let hangs = false;
  const store = between(slowTable(stage), (verb, pass) =>
    verb === "recordTerm" && hangs ? new Promise(() => {}) : pass(),
  );
  const finish = gate();
  const job = stagedFunction(stage, "a", () => finish.opened, { ...once, store });
  const startedMs = job.clock.wallMs();
  const invocation = watch(job.invoke(undefined, 10_000));
  await stage.advance(7_900);
  hangs = true;
  finish.open();
  await stage.until(() => invocation.settled);
  expect(invocation).toMatchObject({ value: { role: "leader" } });
  expect(job.clock.wallMs() - startedMs).toBeLessThan(10_000);
});

test("an idle sandbox waits by the time that this invocation has left", async () => {
  const stage = new Stage();
  const job = stagedFunction(stage, "a", () => "ran", { ...once, leaseDurationMs: 2_000 });
  expect(await job.run(undefined, 30_000)).toMatchObject({ role: "leader" });
  const leadership = await stage.candidate("other").election.tryCampaign();
  const invocation = watch(job.invoke({ scheduledTime: "2026-01-01T01:00:00Z" }, 7_500));
  await stage.until(() => invocation.settled);
  expect(invocation.error).toMatchObject({ code: "MISSED_TICK", because: "not-completed" });
  await leadership?.resign();
});
