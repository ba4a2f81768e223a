import { expect, test } from "vitest";
import { Election, InvalidOptionError } from "../../src/index.js";
import { MemoryTable } from "../../src/testing/index.js";
import { type Given, Stage } from "../support/stage.js";
import { contentOf, FakeExecutor, sendSigned, withWills } from "../support/wills.js";

/** What a candidate with a last will hands over, and when (rule 11). The process that dies is staged. */

const NAME = "billing/nightly";

function staged() {
  const stage = new Stage();
  const executor = new FakeExecutor();
  const store = withWills(stage.table, executor);
  const candidate = (label: string, given: Given = {}) =>
    stage.candidate(label, { store, lastWill: true, ...given });
  /** As `verb term`, the latest last. */
  const sets = () =>
    executor.calls.flatMap(({ will }) => {
      if (will === undefined) return [];
      const { verb, request } = contentOf(will.request);
      return [`${verb} ${request.term}${will.basis ? ` after ${will.basis.term}` : ""}`];
    });
  return { stage, executor, store, candidate, sets };
}

test("lastWill needs a client: a table in memory is refused", () => {
  const options = { store: new MemoryTable(), name: NAME, lastWill: true };
  expect(() => new Election(options)).toThrow(InvalidOptionError);
  expect(() => new Election(options)).toThrow(/^lastWill: needs a client, because .* Suggestion: client: /);
});

test("the will of a leader is signed anew with each renewal, and ends its tenure", async () => {
  const { stage, executor, candidate, sets } = staged();
  const { election, events } = candidate("a");
  await election.campaign();
  await stage.advance(2_500);
  expect(events.filter(({ type }) => type === "renewed")).toHaveLength(2);
  expect(sets()).toEqual(["crash 1 after 0", "crash 1", "crash 1", "crash 1"]);
  const [will] = executor.wills.values();
  expect(await sendSigned(stage.table, will?.request as never)).toMatchObject({
    done: true,
    lease: { kind: "vacant", term: 1, revision: 4, endReason: "crashed" },
  });
});
