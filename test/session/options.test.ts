import { expect, test } from "vitest";
import { Election, InvalidOptionError, Session } from "../../src/index.js";
import { MemoryTable } from "../../src/testing/index.js";

const store = new MemoryTable();
const session = () => new Session({ store });

function refusal(make: () => unknown): InvalidOptionError {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError);
    return error as InvalidOptionError;
  }
  throw new Error("not refused");
}

test.each([
  ["client", {}],
  ["tableName", "leases"],
  ["store", store],
  ["label", "a"],
  ["leaseDurationMs", 3_000],
  ["renewIntervalMs", 1_000],
  ["stopTimeoutMs", 1_000],
  ["lastWill", true],
  ["heartbeat", "thread"],
  ["runtime", {}],
  ["tuning.safetyMarginMs", 100],
  ["tuning.requestTimeoutMs", 100],
  ["tuning.expiry", "observation"],
])("under a session %s cannot be given again", (option, value) => {
  const [group, name] = option.split(".") as [string, string | undefined];
  const own = name === undefined ? { [group]: value } : { [group]: { [name]: value } };
  const error = refusal(() => new Election({ session: session(), name: "a", ...own } as never));
  expect(error).toMatchObject({ option, suggestion: undefined });
  expect(error.message).toContain("is an option of the session");
});

test("what is an election's own is checked as without a session", () => {
  expect(refusal(() => new Election({ session: session(), name: "a b" })).option).toBe("name");
  expect(refusal(() => new Election({ session: session(), name: "a", vaule: "x" } as never)).option).toBe(
    "vaule",
  );
  const tuning = { historyRetentionMs: 1 };
  expect(refusal(() => new Election({ session: session(), name: "a", tuning })).option).toBe(
    "tuning.historyRetentionMs",
  );
  const label = "worker-7";
  const own = new Session({ store, label });
  expect(new Election({ session: own, name: "a" }).candidateId).toMatch(/^worker-7-/);
});

test("only a Session is a session", () => {
  for (const other of [null, {}, "a", { id: "a", isOpen: true, close: async () => "released" }])
    expect(refusal(() => new Election({ session: other, name: "a" } as never)).option).toBe("session");
});

test("a session's own options are checked", () => {
  expect(refusal(() => new Session({ store, name: "a" } as never)).option).toBe("options");
  expect(refusal(() => new Session({ store, leaseDurationMs: 7_200_000 })).option).toBe("leaseDurationMs");
  expect(refusal(() => new Session({ store, tuning: { standbyPollMs: 100 } } as never)).option).toMatch(
    /^tuning/,
  );
  expect(refusal(() => new Session({ store, lastWill: true })).option).toBe("lastWill");
  expect(refusal(() => new Session({ store, heartbeat: "thread" })).option).toBe("heartbeat");
  expect(refusal(() => new Session(undefined as never)).option).toBe("options");
});
