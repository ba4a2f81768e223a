import { describe, expect, test } from "vitest";
import { LeaseLostError, TableUnavailableError, type TransactionAction } from "../../src/index.js";
import type { TransactRequest } from "../../src/store/lease-store.js";
import { between, Stage, type Verb } from "../support/stage.js";

/** Calls of one leader stay independent, whatever becomes of the others, and each is settled. On staged time. */

const put = (id: string, more = {}): TransactionAction => ({
  Put: { TableName: "ledger", Item: { id, ...more } },
});
const doomed = (id: string): TransactionAction => ({
  ConditionCheck: { TableName: "ledger", Key: { id }, ConditionExpression: "attribute_exists(id)" },
});

/** `meddle` sees each transaction with actions; what it gives is the answer, and undefined lets it pass. */
async function scene(
  meddle: (request: TransactRequest) => unknown,
  options = {},
  others?: (verb: Verb) => unknown,
) {
  const stage = new Stage();
  const sent: TransactRequest[] = [];
  const delay = (ms: number) => new Promise<void>((resolve) => void stage.time.setTimer(ms, resolve));
  const store = new Proxy(
    between(stage.table, async (verb, pass) => {
      const instead = await others?.(verb);
      return instead === undefined ? pass() : instead;
    }),
    {
      get(target, verb: Verb) {
        if (verb !== "transact") return target[verb];
        return async (request: TransactRequest, signal: AbortSignal) => {
          await delay(20);
          if (request.actions.length > 0) sent.push(request);
          const answer = request.actions.length > 0 ? await meddle(request) : undefined;
          return answer ?? target.transact(request, signal);
        };
      },
    },
  );
  const player = stage.candidate("a", { store, ...options });
  const won = player.election.campaign();
  await stage.advance(200);
  const leadership = await won;
  const told = new Map<string, string>();
  const call = (id: string, ...actions: TransactionAction[]) =>
    leadership.transact(actions).then(
      () => told.set(id, "written"),
      (error: Error) => told.set(id, error.name),
    );
  const items = () => stage.table.items("ledger").map(({ id }) => id);
  return { ...player, stage, leadership, told, call, items, sent };
}

const touches = ({ actions }: TransactRequest, id: string) =>
  actions.some(({ keyOrItem }) => "S" in (keyOrItem.id ?? {}) && (keyOrItem.id as { S: string }).S === id);
const busy = ({ actions }: TransactRequest, isBusy: (id: string) => boolean) => {
  const codes = actions.map(({ keyOrItem }) =>
    isBusy((keyOrItem.id as { S: string }).S) ? "TransactionConflict" : "None",
  );
  if (codes.every((code) => code === "None")) return undefined;
  return { done: false, fenced: false, refusals: codes.map((code) => ({ code })) };
};

test("a stream of calls that fail delays nobody: the good one is written, and the failed are told, while it goes on", async () => {
  const { stage, call, told } = await scene(() => undefined);
  void call("good", put("good"));
  for (let i = 0; i < 100; i++) {
    void call(`bad-${i}`, put(`bad-${i}`), doomed(`none-${i}`));
    await stage.advance(10);
  }
  expect(told.get("good")).toBe("written");
  expect([...told].filter(([, how]) => how === "TransactionRefusedError").length).toBeGreaterThan(50);
});

test("a stream of calls whose items are busy the first time delays nobody", async () => {
  const seen = new Set<string>();
  const { stage, call, told } = await scene((request) =>
    busy(request, (id) => id !== "good" && !seen.has(id) && !!seen.add(id)),
  );
  void call("good", put("good"));
  for (let i = 0; i < 100; i++) {
    void call(`busy-${i}`, put(`busy-${i}`));
    await stage.advance(10);
  }
  expect(told.get("good")).toBe("written");
  await stage.until(() => told.size === 101);
  expect(new Set(told.values())).toEqual(new Set(["written"]));
});

test("one call that never gets an answer takes no other with it, and blocks none that come later", async () => {
  const { stage, call, told, leadership } = await scene((request) => {
    if (touches(request, "hot")) throw new TableUnavailableError("commit a transaction");
  });
  for (const id of ["a", "hot", "b", "c"]) void call(id, put(id));
  await stage.until(() => told.size === 3, 2_000);
  void call("later", put("later"));
  await stage.until(() => told.get("later") === "written", 2_000);
  expect(told.has("hot")).toBe(false);
  await stage.until(() => told.has("hot"), 10_000);
  expect(told.get("hot")).toBe("TransactionUnknownError");
  leadership.throwIfLost();
});

test("a request that is refused without naming anybody is told to its author alone, and few tries find that one", async () => {
  const { stage, call, told, sent } = await scene((request) => {
    if (touches(request, "bad")) throw new Error("malformed, and nobody is named");
  });
  for (let i = 0; i < 63; i++) void call(`${i}`, put(i === 17 ? "bad" : `${i}`));
  await stage.until(() => told.size === 63);
  expect(told.get("17")).toBe("Error");
  expect([...told.values()].filter((how) => how === "written")).toHaveLength(62);
  expect(sent.length).toBeLessThan(20);
});

describe("what a key is", () => {
  test("is not learnt from a call that was refused: calls on one item keep their order", async () => {
    let conflicts = 0;
    const { stage, call, told } = await scene((request) => {
      if (touches(request, "1") && conflicts++ === 0) return busy(request, () => true);
      return undefined;
    });
    void call("stranger", { Delete: { TableName: "ledger", Key: { v: "1" } } });
    await stage.until(() => told.has("stranger"));
    void call("first", put("1", { v: "first" }));
    void call("second", put("1", { v: "second" }));
    await stage.until(() => told.size === 3);
    expect([told.get("first"), told.get("second")]).toEqual(["written", "written"]);
    expect(stage.table.items("ledger")).toEqual([{ id: "1", v: "second" }]);
  });

  test("is asked for beside the calls: a table that does not tell holds up nobody", async () => {
    const { stage, call, told } = await scene(
      () => undefined,
      {},
      (verb) => (verb === "readKeyNames" ? new Promise(() => {}) : undefined),
    );
    void call("put", put("1"));
    void call("update", {
      Update: {
        TableName: "ledger",
        Key: { id: "2" },
        UpdateExpression: "SET n = :n",
        ExpressionAttributeValues: { ":n": 1 },
      },
    });
    await stage.until(() => told.size === 2, 200);
    expect([...told.values()]).toEqual(["written", "written"]);
  });
});

test("nothing of a user's is sent once trust has ended, though the call had waited for its turn", async () => {
  let hangs = false;
  const { stage, leadership, clock, sent } = await scene(
    () => undefined,
    {},
    (verb) => (verb === "renew" && hangs ? new Promise(() => {}) : undefined),
  );
  hangs = true;
  await stage.advance(1_100);
  const outcome = leadership.transact([put("late")]).catch((error: unknown) => error);
  // It waits behind a renewal that gets no answer, and the machine is suspended past the lease.
  clock.freeze(10_000);
  await stage.advance(3_000);
  expect(await outcome).toBeInstanceOf(LeaseLostError);
  expect(sent).toEqual([]);
  expect(stage.table.items("ledger")).toEqual([]);
});

test("whoever waits is told within seconds of the leadership's end, however long the lease", async () => {
  const { stage, call, told, leadership } = await scene((request) => busy(request, () => true), {
    leaseDurationMs: 86_400_000,
  });
  void call("busy", put("busy"));
  await stage.advance(20_000);
  expect(told.size).toBe(0);
  const given = leadership.resign();
  await stage.until(() => told.has("busy"), 3_000);
  expect(told.get("busy")).toBe("LeaseLostError");
  await stage.advance(100);
  expect(await given).toBe("released");
  expect(stage.pendingTimers).toBe(0);
});

test("2,000 calls that are busy at once are all settled", async () => {
  const { stage, call, told, leadership } = await scene((request) => busy(request, () => true));
  for (let i = 0; i < 2_000; i++) void call(`${i}`, put(`${i}`));
  await stage.advance(1_000);
  const given = leadership.resign();
  await stage.until(() => told.size === 2_000);
  expect(new Set(told.values())).toEqual(new Set(["LeaseLostError"]));
  await stage.advance(100);
  await given;
});
