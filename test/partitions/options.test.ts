import { expect, test } from "vitest";
import { InvalidOptionError, Partitions } from "../../src/index.js";
import { textOf, toldIn } from "../../src/partitions/member-text.js";
import { MemoryTable } from "../../src/testing/index.js";

const store = new MemoryTable();
const refused = (options: object, run?: (partitions: Partitions) => unknown) => {
  const partitions = () => new Partitions({ store, name: "orders", count: 8, ...options });
  try {
    const made = partitions();
    run?.(made);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError);
    return (error as Error).message;
  }
  throw new Error("it is not refused");
};

test.each([
  [{ count: 0 }, /^count: must be a whole number from 1 to 4096; received the number 0. Suggestion: 64/],
  [{ count: "8" }, /^count: must be a whole number from 1 to 4096; received a string/],
  [{ maxPerMember: 1.5 }, /^maxPerMember: must be a whole number from 1 to 4096.*Suggestion: 1/],
  [{ maxMovesAtOnce: 0 }, /^maxMovesAtOnce: must be a whole number from 1 to 4096/],
  [{ settleMs: -1 }, /^settleMs: must be a whole number of milliseconds from 0/],
  [{ name: "x".repeat(196) }, /^name: must be 1 to 195 characters/],
  [{ succession: "arrival" }, /^succession: must be left out of partitions.*Suggestion: leave it out/],
  [{ eligible: false }, /^eligible: must be left out of partitions/],
  [{ group: "eu" }, /^group: must be left out of partitions/],
  [{ onWorkError: "retry" }, /^onWorkError: is an option of run\(\).*run\(work, \{ onWorkError \}\)/],
  [{ tuning: { standbyPollMs: 250 } }, /^tuning.standbyPollMs: must be left out of partitions/],
  [{ leaseDurationMs: 5 }, /^leaseDurationMs: /],
  [{ maxPermember: 1 }, /did you mean maxPerMember\?/],
])("options that cannot work: %o", (options, message) => {
  expect(refused(options)).toMatch(message);
});

test("calls that cannot work", async () => {
  expect(refused({}, (partitions) => partitions.setCount(5_000))).toMatch(/^count: must be a whole number/);
  const partitions = new Partitions({ store, name: "orders", count: 8 });
  await expect(partitions.run("work" as never)).rejects.toThrow(
    /^work: must be a function.*partition, leadership/,
  );
  await expect(partitions.run(() => {}, { onWorkError: "ignore" as never })).rejects.toThrow(
    /^onWorkError: /,
  );
  await expect(partitions.owners(AbortSignal.timeout(1) as never)).rejects.toThrow(/^options: /);
});

test("what a member tells fits into a row that is read often, and comes back as it was", () => {
  const all = { count: 4_096, maxPerMember: 4_096, holds: new Set(Array(4_096).keys()) };
  expect(textOf(all).length).toBeLessThan(1_024);
  expect(toldIn(textOf(all))).toEqual(all);
  const few = { count: 12, maxPerMember: 3, holds: new Set([0, 7, 11]) };
  expect(toldIn(textOf(few))).toEqual(few);
  const avoids = new Set([...all.holds].slice(-50));
  expect(textOf({ ...all, avoids }).length).toBeLessThan(1_024);
  expect(toldIn(textOf({ ...few, avoids: new Set([0, 2]) }))).toEqual({ ...few, avoids: new Set([0, 2]) });
  expect(toldIn(textOf({ ...few, avoids: new Set([-1, 1.5, 4_096]) }))).toEqual(few);
  expect(toldIn(textOf({ ...few, holds: new Set() }))).toEqual({ ...few, holds: new Set() });
  for (const text of [undefined, "", "null", "{}", '{"count":-1,"maxPerMember":1,"holds":""}', "[1,2]"])
    expect(toldIn(text)).toBeUndefined();
});
