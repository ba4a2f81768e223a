import { expect, test } from "vitest";
import { type EndReason, Operator } from "../../src/index.js";
import { Cast, LEASE_MS, NAME } from "../support/cast.js";
import type { Given } from "../support/stage.js";
import { FakeExecutor, sendSigned, withWills } from "../support/wills.js";

/** Why a tenure ended is told to whoever asks, and by all of them alike. */

const RENEW_MS = LEASE_MS / 3;

const operator = ({ stage }: Cast) => new Operator({ store: stage.table, name: NAME });

/** Each way in which a tenure ends: what is done to the leader `a`, and by what order. */
const ENDS: Array<[EndReason, Given, (cast: Cast) => unknown]> = [
  ["resigned", {}, (cast) => void cast.actor("a").leave()],
  ["stepped-down", {}, (cast) => operator(cast).requestStepDown()],
  ["handed-off", {}, (cast) => operator(cast).requestStepDown({ to: cast.actor("b").id })],
  [
    "preempted",
    { succession: { order: "rank", rank: 0, preempt: true } },
    (cast) => cast.join("z", { rank: 1 }),
  ],
  ["rotated", { succession: { order: "ring", maxTenureMs: 15_000 } }, () => {}],
  ["paused", {}, (cast) => operator(cast).pause()],
  ["unhealthy", {}, (cast) => cast.sicken("a")],
  ["crashed", {}, (cast) => crash(cast)],
  ["expired", {}, (cast) => cast.kill("a")],
  ["superseded", {}, (cast) => supersede(cast)],
  ["evicted", {}, (cast) => operator(cast).evict()],
  ["deleted", {}, ({ stage }) => stage.table.deleteLease(NAME)],
];

/** What executes the will of `a`, which is given one in that case. */
const executor = new FakeExecutor();

/** The process exits: its last will is sent when it trusts nothing any more, and it does nothing after that. */
async function crash(cast: Cast): Promise<void> {
  executor.exit();
  cast.kill("a");
  for (const { request } of executor.wills.values()) await sendSigned(cast.stage.table, request);
}

/** As if its trust had been wrong: the row is another's under a later term. */
async function supersede(cast: Cast): Promise<void> {
  const { term = 0, revision = 0 } = (await cast.row()) ?? {};
  await cast.stage.table.acquire({
    election: NAME,
    candidateId: "usurper-1",
    attemptId: "1",
    basis: { term, revision },
    term: term + 1,
    leaseDurationMs: LEASE_MS,
    renewIntervalMs: RENEW_MS,
    value: undefined,
    expiresAt: undefined,
    at: undefined,
  });
}

test.each(ENDS)(
  "%s: told once, by the event, the signal and the history alike",
  async (reason, options, end) => {
    const cast = new Cast({ succession: "arrival", ...options });
    const willed = { store: withWills(cast.stage.table, executor), lastWill: true };
    const [a] = await cast.joinAll("ab", () => (reason === "crashed" ? willed : {}));
    await end(cast);
    if (reason === "paused") {
      await cast.until(() => cast.reigns[0]?.reason !== undefined);
      await operator(cast).resume();
    }
    await cast.reign(2);
    if (reason === "expired") cast.thaw("a");
    await cast.advance(LEASE_MS);
    expect(cast.reigns[0]?.reason).toBe(reason);
    expect(a?.events.filter((event) => event.type === "ended" && event.term === 1)).toMatchObject([
      { reason },
    ]);
    const history = (await a?.election.history()) ?? [];
    const told = history.find(({ term }) => term === 1);
    // What a leader cannot know of its successor's time, history calls a crash.
    const untold = reason === "superseded" || reason === "deleted";
    expect(told).toMatchObject({ candidateId: a?.id, endReason: untold ? expect.anything() : reason });
  },
);
