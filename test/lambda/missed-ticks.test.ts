import { afterEach, expect, test, vi } from "vitest";
import { Operator } from "../../src/index.js";
import { MissedTickError } from "../../src/lambda/index.js";
import { stagedFunction, watch } from "../support/lambda.js";
import { Stage } from "../support/stage.js";

/** A tick must not vanish: an invocation succeeds only when its tick has completed, here or elsewhere. */

afterEach(() => vi.unstubAllEnvs());

const once = { once: "tick" } as const;
const at = (minute: number) => ({ scheduledTime: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString() });
const tickAt = (minute: number) => at(minute).scheduledTime;

/** A job on one stage, whose work fails while it is told to, and which remembers what it completed. */
function jobOn(stage: Stage, options: Parameters<typeof stagedFunction>[3] = {}) {
  const completed: unknown[] = [];
  const disk = { isFull: false };
  const work = (_: unknown, { tick }: { tick: string | undefined }) => {
    if (disk.isFull) throw new Error("disk full");
    return completed.push(tick);
  };
  return { ...stagedFunction(stage, "job", work, { ...once, ...options }), completed, disk };
}

test("a retry that is slower than the rate fails: its tick never ran, and a later one did", async () => {
  const job = jobOn(new Stage());
  job.disk.isFull = true;
  await expect(job.run(at(0))).rejects.toThrow("disk full");
  job.disk.isFull = false;
  expect(await job.run(at(1))).toMatchObject({ role: "leader" });
  const retry = job.run(at(0));
  await expect(retry).rejects.toBeInstanceOf(MissedTickError);
  await expect(retry).rejects.toMatchObject({
    code: "MISSED_TICK",
    election: "billing/nightly",
    tick: tickAt(0),
    because: "superseded",
    completed: "no",
    lastTick: tickAt(1),
    message:
      'Tick 2026-01-01T00:00:00.000Z of "billing/nightly" has not completed, and was superseded: tick ' +
      '2026-01-01T00:01:00.000Z has completed. Suggestion: if each tick must run, set ticks: "every"; if only the latest ' +
      'must, set onMissedTick: "return".',
  });
  expect(job.completed).toEqual([tickAt(1)]);
});

test("a redriven message fails with latest, and runs with every, by option or environment", async () => {
  const stage = new Stage();
  const latest = jobOn(stage);
  for (const minute of [1, 2, 3]) await latest.run(at(minute));
  await expect(latest.run(at(0))).rejects.toMatchObject({ because: "superseded", completed: "no" });
  expect(await jobOn(stage, { ticks: "every" }).run(at(0))).toMatchObject({ role: "leader" });
  expect(await latest.run(at(0))).toEqual({ role: "done" });
  vi.stubEnv("INCUMBENT_TICKS", "every");
  const every = jobOn(stage);
  expect(await every.run(at(-1))).toMatchObject({ role: "leader" });
  expect(await every.run(at(-1))).toEqual({ role: "done" });
});

test("a retry that is faster than the lease of a leader that crashed fails, and the next one runs the tick", async () => {
  const stage = new Stage();
  const options = { ...once, leaseDurationMs: 40_000 };
  const dying = stagedFunction(stage, "dying", () => new Promise(() => {}), options);
  void dying.invoke(at(0));
  await stage.advance(1_000);
  const job = stagedFunction(stage, "b", ({ term }) => term, options);
  const retry = watch(job.invoke(at(0)));
  await stage.advance(20_000, { frozen: [dying.clock] });
  expect(retry.error).toMatchObject({
    because: "not-completed",
    completed: "no",
    lastTick: undefined,
    leader: { term: 1 },
    message: expect.stringMatching(
      /^Tick 2026-01-01T00:00:00.000Z of "billing\/nightly" has not completed, and this invocation can wait no longer: dying-\w+ holds the lease in term 1\. Suggestion: let Lambda try it again; /,
    ),
  });
  await stage.advance(30_000, { frozen: [dying.clock] });
  const next = watch(job.invoke(at(0)));
  await stage.advance(5_000, { frozen: [dying.clock] });
  expect(next.value).toEqual({ role: "leader", term: 2, result: 2 });
});

test("a tick that is older than the window fails in both modes, and nobody knows whether it completed", async () => {
  const stage = new Stage();
  const latest = jobOn(stage);
  for (let minute = 1; minute <= 70; minute++) await latest.run(at(minute));
  const unknown = {
    because: "superseded",
    completed: "unknown",
    lastTick: tickAt(70),
    message: expect.stringMatching(
      /is older than the last 64 completed ticks, so nobody knows whether it completed. Suggestion: look for its results/,
    ),
  };
  for (const job of [latest, jobOn(stage, { ticks: "every" })]) {
    await expect(job.run(at(0))).rejects.toMatchObject(unknown);
  }
});

test("a paused election fails each tick, and says what to do", async () => {
  const stage = new Stage();
  await jobOn(stage).run(at(0));
  await new Operator({ store: stage.table, name: "billing/nightly" }).pause();
  const job = jobOn(stage, { standBy: false });
  await expect(job.run(at(1))).rejects.toMatchObject({
    because: "not-completed",
    leader: undefined,
    message: expect.stringMatching(
      /nobody leads \(the lease is reserved for another group, the election is paused, or .*\)\. Suggestion: .* resume the election if it is paused;/,
    ),
  });
});

test('onMissedTick: "return" returns what was found, and Lambda counts the event as done', async () => {
  const stage = new Stage();
  const job = jobOn(stage, { onMissedTick: "return", standBy: false });
  await job.run(at(1));
  expect(await job.run(at(0))).toEqual({ role: "superseded", completed: "no", lastTick: tickAt(1) });
  const leadership = await stage.candidate("other").election.tryCampaign();
  expect(await job.run(at(2))).toMatchObject({ role: "follower", leader: { term: 2 } });
  await leadership?.resign();
});
