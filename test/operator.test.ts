import { describe, expect, test } from "vitest";
import { Operator, type OperatorOptions, TableError, TableUnavailableError } from "../src/index.js";
import { Cast, LEASE_MS, NAME } from "./support/cast.js";
import { between, Stage } from "./support/stage.js";

/** What people do to an election from outside. */

const operatorOf = ({ table }: Stage, options: Partial<Record<keyof OperatorOptions, unknown>> = {}) =>
  new Operator({ store: table, name: NAME, by: "ana", ...options } as OperatorOptions);

describe("a request to step down", () => {
  test("is shown on the row by whom, heard with the next renewal, and the next in line leads", async () => {
    const cast = new Cast({ succession: "arrival" });
    const [a] = await cast.joinAll("abc");
    const asked = await operatorOf(cast.stage).requestStepDown();
    expect(asked).toMatchObject({ done: true, leader: { candidateId: a?.id, term: 1 } });
    expect(await cast.row()).toMatchObject({ stepDown: { by: "ana" }, holder: a?.id });
    await cast.reign(2);
    expect(cast.told).toBe("a1 b2");
    expect(cast.reigns[0]?.reason).toBe("stepped-down");
    // It asked for the end of that term, not of the next one.
    await cast.advance(10 * LEASE_MS);
    expect(cast.told).toBe("a1 b2");
    expect((await cast.row())?.stepDown).toBeUndefined();
  });

  test("with `to` hands over to that candidate, past those before it in the line", async () => {
    const cast = new Cast({ succession: "arrival" });
    const [, , , d] = await cast.joinAll("abcd");
    expect((await operatorOf(cast.stage).requestStepDown({ to: d?.id })).done).toBe(true);
    await cast.reign(2);
    expect(cast.told).toBe("a1 d2");
    expect(cast.reigns[0]?.reason).toBe("handed-off");
  });

  test("reaches a leader without a line too; with nobody else there, it leads again under a new term", async () => {
    const cast = new Cast();
    await cast.joinAll("a");
    await operatorOf(cast.stage).requestStepDown();
    await cast.reign(2);
    expect(cast.told).toBe("a1 a2");
  });

  test("never hits a leader that came later than the one that was seen", async () => {
    const cast = new Cast({ succession: "arrival" });
    const [a] = await cast.joinAll("ab");
    const store = between(cast.stage.table, async (verb, pass) => {
      if (verb === "requestStepDown") {
        void a?.leave();
        await cast.reign(2);
      }
      return pass();
    });
    const asked = await operatorOf(cast.stage, { store }).requestStepDown();
    expect(asked).toMatchObject({ done: false, leader: { candidateId: a?.id, term: 1 } });
    expect((await cast.row())?.stepDown).toBeUndefined();
    await cast.advance(5 * LEASE_MS);
    expect(cast.told).toBe("a1 b2");
  });

  test.each(["", 7, null, {}])("to %j is refused", async (to) => {
    const { requestStepDown } = Operator.prototype;
    const operator = operatorOf(new Stage());
    await expect(async () => requestStepDown.call(operator, { to: to as string })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      option: "to",
    });
  });
});

describe("an eviction", () => {
  test("fences the leader off at once; nobody leads before its lease would have run out", async () => {
    const cast = new Cast({ succession: "arrival" });
    const [a] = await cast.joinAll("abc");
    const { leadership } = cast.reigns[0] as (typeof cast.reigns)[0];
    const trustedMs = leadership.remainingMs();
    expect(await operatorOf(cast.stage).evict()).toMatchObject({
      done: true,
      leader: { candidateId: a?.id },
    });
    const item = { Put: { TableName: "ledger", Item: { id: "1" } } };
    await expect(leadership.transact([item])).rejects.toMatchObject({ code: "FENCED_OUT", currentTerm: 2 });
    expect(await cast.until(() => cast.reigns.length > 1)).toBeGreaterThanOrEqual(trustedMs);
    // The eviction used up a term of its own.
    expect(cast.reigns[1]?.term).toBe(3);
    expect(cast.reigns[0]?.reason).toBe("evicted");
  });

  test("of an election that nobody leads does nothing", async () => {
    const cast = new Cast();
    const [a] = await cast.joinAll("a");
    await Promise.all([a?.leave(), cast.advance(LEASE_MS)]);
    const before = await cast.row();
    expect(await operatorOf(cast.stage).evict()).toEqual({ done: false, leader: undefined });
    expect(await cast.row()).toEqual(before);
  });
});

describe("a pause", () => {
  test("ends the leader's work by a hand-over to nobody; who tries meanwhile waits; and then somebody leads", async () => {
    const cast = new Cast({ succession: "arrival" });
    const [a] = await cast.joinAll("abc");
    expect(await operatorOf(cast.stage).pause()).toMatchObject({
      done: true,
      leader: { candidateId: a?.id },
    });
    await cast.until(() => cast.reigns[0]?.reason !== undefined, 2 * LEASE_MS);
    expect(cast.reigns[0]?.reason).toBe("paused");
    const late = cast.join("d");
    await cast.advance(20 * LEASE_MS);
    expect(await cast.row()).toMatchObject({ kind: "vacant", pausedBy: "ana", endReason: "paused" });
    expect(cast.told).toBe("a1");
    expect(await cast.stage.candidate("e").election.tryCampaign()).toBeUndefined();
    expect(await operatorOf(cast.stage).resume()).toMatchObject({ done: true, leader: undefined });
    await cast.reign(2);
    await cast.advance(5 * LEASE_MS);
    expect(cast.reigns.map(({ term }) => term)).toEqual([1, 2]);
    // Who joined during the pause counts as anybody.
    const { holder, line } = (await cast.row()) ?? {};
    expect([holder, ...(line ?? [])]).toContain(late.id);
  });

  test("outlives the leader: one that crashed is not replaced before the election goes on", async () => {
    const cast = new Cast();
    await cast.joinAll("ab");
    cast.kill(cast.reigns[0]?.label ?? "");
    await operatorOf(cast.stage).pause();
    await cast.advance(20 * LEASE_MS);
    expect(cast.reigns).toHaveLength(1);
    await operatorOf(cast.stage).resume();
    await cast.advance(LEASE_MS);
    expect(cast.reigns).toHaveLength(2);
  });

  test("of an election that does not exist yet: nobody founds it, and its first term comes after the pause", async () => {
    const cast = new Cast({ succession: "arrival" });
    expect(await operatorOf(cast.stage).pause()).toEqual({ done: true, leader: undefined });
    cast.join("a");
    cast.join("b");
    await cast.advance(10 * LEASE_MS);
    expect(cast.reigns).toEqual([]);
    expect(cast.stage.table.terms(NAME)).toEqual([]);
    await operatorOf(cast.stage).resume();
    await cast.reign(1);
    await cast.advance(5 * LEASE_MS);
    expect(cast.reigns.map(({ term }) => term)).toEqual([1]);
  });

  test("a tick cannot run either", async () => {
    const stage = new Stage();
    await operatorOf(stage).pause();
    const { election } = stage.candidate("a");
    expect(await election.runOnce("2026-01-31T03:00:00Z", () => {})).toMatchObject({
      ran: false,
      because: "held",
    });
    await operatorOf(stage).resume();
    expect(await election.runOnce("2026-01-31T03:00:00Z", () => {})).toMatchObject({ ran: true, term: 1 });
  });

  test("lets in nobody whose acquire was on its way when it came", async () => {
    const stage = new Stage();
    const store = between(stage.table, async (verb, pass) => {
      if (verb === "acquire") await operatorOf(stage).pause();
      return pass();
    });
    const { election } = stage.candidate("a", { store });
    expect(await election.tryCampaign()).toBeUndefined();
    expect((await stage.table.read(NAME)).lease).toMatchObject({ term: 0, pausedBy: "ana" });
  });

  test.each([
    ["pause", "resume"],
    ["resume", "pause"],
  ] as const)(
    "a %s that arrives once more undoes no %s that was asked for after it",
    async (first, second) => {
      const cast = new Cast();
      await cast.joinAll("a");
      const again: Array<() => unknown> = [];
      const store = between(cast.stage.table, (verb, pass) => {
        if (verb === "pause") again.push(pass);
        return pass();
      });
      const operator = operatorOf(cast.stage, { store });
      await operator[second]();
      await operator[first]();
      await operatorOf(cast.stage, { by: "bo" })[second]();
      const before = await cast.row();
      for (const send of again) await send();
      expect(await cast.row()).toEqual(before);
      expect(before?.pausedBy).toBe(second === "pause" ? "bo" : undefined);
      expect(before?.pauseRevision).toBe(3);
    },
  );

  test("whose answers are lost is known by the row, and is made once", async () => {
    const cast = new Cast();
    await cast.joinAll("a");
    for (const [call, by] of [
      ["pause", "ana"],
      ["resume", undefined],
    ] as const) {
      let lost = 2;
      const store = between(cast.stage.table, async (verb, pass) => {
        const answer = await pass();
        if (verb === "pause" && lost-- > 0) throw new TableUnavailableError("hear the answer");
        return answer;
      });
      const asked = operatorOf(cast.stage, { store, runtime: { clock: cast.stage.time } })[call]();
      await cast.advance(5_000);
      expect((await asked).done).toBe(true);
      const { pausedBy, pauseRevision } = (await cast.row()) ?? {};
      expect([pausedBy, pauseRevision]).toEqual([by, call === "pause" ? 1 : 2]);
    }
  });

  test("that meets another's change leaves that alone, and says that it is not as asked", async () => {
    const cast = new Cast();
    await cast.joinAll("a");
    let isFirst = true;
    const store = between(cast.stage.table, async (verb, pass) => {
      // Somebody resumes, though nothing is paused, in the moment between the look and the request: that is newer.
      if (verb === "pause" && isFirst) {
        isFirst = false;
        await operatorOf(cast.stage, { by: "bo" }).resume();
      }
      return pass();
    });
    expect(await operatorOf(cast.stage, { store }).pause()).toMatchObject({ done: false });
    expect((await cast.row())?.pausedBy).toBeUndefined();
    // Asked again it sees what stands there.
    expect(await operatorOf(cast.stage).pause()).toMatchObject({ done: true });
    expect((await cast.row())?.pausedBy).toBe("ana");
  });

  test("that a new term comes between is asked of the new term", async () => {
    const cast = new Cast({ succession: "arrival" });
    const [a, b] = await cast.joinAll("ab");
    let isFirst = true;
    const store = between(cast.stage.table, async (verb, pass) => {
      if (verb === "pause" && isFirst) {
        isFirst = false;
        void a?.leave();
        await cast.reign(2);
      }
      return pass();
    });
    const asked = await operatorOf(cast.stage, { store }).pause();
    expect(asked).toMatchObject({ done: true, leader: { candidateId: b?.id, term: 2 } });
    expect((await cast.row())?.pausedBy).toBe("ana");
  });

  test("landed, was not heard, and was undone by somebody who saw it: it stays undone, and is told so", async () => {
    const cast = new Cast();
    await cast.joinAll("a");
    let tries = 0;
    const store = between(cast.stage.table, async (verb, pass) => {
      if (verb !== "pause") return pass();
      tries += 1;
      if (tries > 1) return pass();
      await pass();
      await operatorOf(cast.stage, { by: "bo" }).resume();
      throw new TableUnavailableError("hear the answer");
    });
    const asked = operatorOf(cast.stage, { store, runtime: { clock: cast.stage.time } }).pause();
    await cast.advance(5_000);
    expect((await asked).done).toBe(false);
    expect(await cast.row()).toMatchObject({ pausedBy: undefined, pauseRevision: 2 });
  });

  test("asked for before the row was deleted does not land on the row that comes after it", async () => {
    const stage = new Stage();
    await stage.candidate("a").election.tryCampaign();
    let late: () => unknown = () => {};
    const store = between(stage.table, (verb, pass) => {
      if (verb !== "pause") return pass();
      late = pass;
      return new Promise(() => {});
    });
    // It gets no answer, and gives up after this test.
    operatorOf(stage, { store })
      .pause()
      .catch(() => {});
    await stage.advance(10);
    stage.table.deleteLease(NAME);
    const next = stage.candidate("b").election.campaign();
    await stage.advance(5 * LEASE_MS);
    expect((await next).term).toBe(2);
    await late();
    const { lease } = await stage.table.read(NAME);
    expect([lease?.term, lease?.pausedBy]).toEqual([2, undefined]);
  });

  test("there is nothing to resume where there is no election, and nothing is made", async () => {
    const stage = new Stage();
    expect(await operatorOf(stage).resume()).toEqual({ done: false, leader: undefined });
    expect((await stage.table.read(NAME)).lease).toBeUndefined();
  });
});

test("where nobody leads there is nobody to ask", async () => {
  const operator = operatorOf(new Stage());
  expect(await operator.requestStepDown()).toEqual({ done: false, leader: undefined });
  expect(await operator.evict()).toEqual({ done: false, leader: undefined });
});

test("a table that does not answer at first is asked again; one that cannot be used is told at once", async () => {
  const cast = new Cast();
  await cast.joinAll("a");
  let failures = 2;
  const store = between(cast.stage.table, (_verb, pass) =>
    failures-- > 0 ? Promise.reject(new TableUnavailableError("be reached")) : pass(),
  );
  expect((await operatorOf(cast.stage, { store }).requestStepDown()).done).toBe(true);
  let asked = 0;
  const missing = between(cast.stage.table, () => {
    asked += 1;
    return Promise.reject(new TableError("incumbent", "missing", "Create it."));
  });
  await expect(operatorOf(cast.stage, { store: missing }).pause()).rejects.toBeInstanceOf(TableError);
  expect(asked).toBe(1);
});

test.each([
  [{ by: "" }, "by"],
  [{ by: "x".repeat(201) }, "by"],
  [{ name: "a:b" }, "name"],
  [{ store: undefined }, "client"],
])("%j is refused", (options, option) => {
  expect(() => operatorOf(new Stage(), options)).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", option }),
  );
});
