import { expect, test } from "vitest";
import { Operator, TableUnavailableError } from "../../src/index.js";
import { Cast, LEASE_MS, NAME } from "../support/cast.js";
import { between, Stage, type Verb } from "../support/stage.js";

/** Rules 2m and 7e: an end is announced only where somebody listens. */

const ORDERS = ["random", "arrival", "ring"] as const;
/** A request and its answer, in steps of the stage. */
const AT_ONCE_MS = 30;

test.each(ORDERS)("by order %s, a lone leader stops at once when its caller aborts", async (succession) => {
  const cast = new Cast({ succession });
  const [a] = await cast.joinAll("a");
  const left = a?.leave();
  expect(await cast.until(() => cast.reigns[0]?.untilMs !== undefined)).toBeLessThanOrEqual(AT_ONCE_MS);
  await cast.advance(AT_ONCE_MS);
  await left;
  expect((await cast.row())?.endReason).toBe("resigned");
});

test.each(ORDERS)(
  "by order %s, so does one that is asked to step down, and it leads again",
  async (succession) => {
    const cast = new Cast({ succession });
    await cast.joinAll("a");
    cast.reigns[0]?.leadership.stepDown();
    expect(await cast.until(() => cast.reigns[0]?.untilMs !== undefined)).toBeLessThanOrEqual(AT_ONCE_MS);
    await cast.reign(2);
    expect(cast.told).toBe("a1 a2");
  },
);

test.each(["arrival", "ring"] as const)(
  "by order %s, so does one whose standby has left",
  async (succession) => {
    const cast = new Cast({ succession });
    const [a, b] = await cast.joinAll("ab");
    await Promise.all([b?.leave(), cast.advance(2 * LEASE_MS)]);
    void a?.leave();
    expect(await cast.until(() => cast.reigns[0]?.untilMs !== undefined)).toBeLessThanOrEqual(AT_ONCE_MS);
  },
);

test.each(ORDERS)("by order %s, with a standby the work goes on until that one polls", async (succession) => {
  const cast = new Cast({ succession });
  const [a] = await cast.joinAll("ab");
  void a?.leave();
  await cast.advance(LEASE_MS / 3);
  expect(cast.reigns[0]?.untilMs).toBeUndefined();
  await cast.reign(2);
  const [first, second] = cast.reigns;
  expect((second?.fromMs ?? 0) - (first?.untilMs ?? 0)).toBeLessThanOrEqual(60);
});

test("a pause stops the work at once: nobody may acquire the lease, so nobody listens", async () => {
  const cast = new Cast({ succession: "arrival" });
  const [a] = await cast.joinAll("ab");
  const renewals = () => a?.events.filter(({ type }) => type === "renewed").length ?? 0;
  const before = renewals();
  await new Operator({ store: cast.stage.table, name: NAME }).pause();
  await cast.until(() => cast.reigns[0]?.untilMs !== undefined);
  expect(cast.reigns[0]?.reason).toBe("paused");
  // One that shows the pause, and one that announces the end. The next one would be due before the work has to stop.
  expect(renewals() - before).toBeLessThanOrEqual(2);
});

/** How often each candidate told the holder that it waits. */
async function marksOf(bid: (stage: Stage, store: ReturnType<typeof between>) => unknown): Promise<Verb[]> {
  const stage = new Stage();
  const leader = stage.candidate("a");
  void leader.election.lead(() => new Promise(() => {}));
  await stage.advance(100);
  const verbs: Verb[] = [];
  bid(
    stage,
    between(stage.table, (verb, pass) => {
      verbs.push(verb);
      return pass();
    }),
  );
  await stage.advance(10 * LEASE_MS);
  return verbs.filter((verb) => verb === "markAwaited");
}

test("one write per term and election says that somebody waits, however many wait one after another", async () => {
  const marks = await marksOf((stage, store) => {
    void stage.candidate("b", { store }).election.campaign();
    stage.time.setTimer(LEASE_MS, () => void stage.candidate("c", { store }).election.campaign());
  });
  expect(marks).toHaveLength(1);
});

test.each([
  ["that has a line", { succession: "arrival" as const }],
  ["that never leads", { eligible: false }],
])("a candidate %s does not write it", async (_, given) => {
  expect(
    await marksOf((stage, store) => void stage.candidate("b", { store, ...given }).election.campaign()),
  ).toEqual([]);
});

test("a run that waits for its tick does not write it: runs announce nothing", async () => {
  const marks = await marksOf(
    (stage, store) =>
      void stage.candidate("b", { store }).election.runOnce("2026-01-31T03:00:00Z", () => {}, { wait: true }),
  );
  expect(marks).toEqual([]);
});

test.each([
  ["is lost", 3, () => Promise.reject(new TableUnavailableError("mark"))],
  ["loses its answer", 1, (pass: () => Promise<unknown>) => pass().then(() => new Promise(() => {}))],
] as const)("a write that %s is repeated only if the row does not show it", async (_, times, fail) => {
  let marks = 0;
  const stage = new Stage();
  void stage.candidate("a").election.lead(() => new Promise(() => {}));
  await stage.advance(100);
  const failing = between(stage.table, (verb, pass) => {
    if (verb !== "markAwaited") return pass();
    marks += 1;
    return marks < 3 ? fail(pass) : pass();
  });
  void stage.candidate("b", { store: failing }).election.campaign();
  await stage.advance(10 * LEASE_MS);
  expect(marks).toBe(times);
});
