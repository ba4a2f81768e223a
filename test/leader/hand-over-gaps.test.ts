import { expect, test } from "vitest";
import { TableUnavailableError } from "../../src/index.js";
import { Cast, LEASE_MS } from "../support/cast.js";
import { between } from "../support/stage.js";

/** How long nobody leads at a planned end, where it was once long. Staged time. */

const RENEW_MS = LEASE_MS / 3;
/** Two polls of the successor, and two steps of the stage. */
const GAP_MS = 40;

function gaps(cast: Cast): number[] {
  return cast.reigns.slice(1).map(({ fromMs }, i) => fromMs - (cast.reigns[i]?.untilMs ?? 0));
}

/** Each leader leads for `forMs`, and then hands over: to a named candidate, or to nobody by name. */
async function handOvers(cast: Cast, times: number, forMs: number, named: boolean): Promise<void> {
  for (let term = 1; term <= times; term++) {
    const { label, leadership } = await cast.reign(term);
    await cast.advance(forMs);
    const others = cast.actors.filter((actor) => actor.label !== label);
    leadership.stepDown(named ? { to: others[term % others.length]?.id } : {});
  }
  await cast.reign(times + 1);
}

test.each([
  ["arrival", true],
  ["arrival", false],
  ["ring", true],
  ["random", true],
] as const)(
  "order %s, named %s: leaders that hand over soon are followed at once",
  async (succession, named) => {
    const cast = new Cast({ succession });
    await cast.joinAll("abcde");
    // One after the other, before the line of the new term is known, and before the last leader's turn is due.
    await handOvers(cast, 8, 300, named);
    expect(cast.reigns).toHaveLength(9);
    expect(Math.max(...gaps(cast))).toBeLessThanOrEqual(GAP_MS);
  },
);

test("a leader that has just handed over is ready when it is called on again", async () => {
  const cast = new Cast({ succession: "arrival" });
  const [a, b] = await cast.joinAll("ab");
  cast.reigns[0]?.leadership.stepDown({ to: b?.id });
  (await cast.reign(2)).leadership.stepDown({ to: a?.id });
  await cast.reign(3);
  expect(cast.told).toBe("a1 b2 a3");
  expect(Math.max(...gaps(cast))).toBeLessThanOrEqual(GAP_MS);
});

test("a named successor is waited for, also if the row does not say that anybody waits", async () => {
  const cast = new Cast({ succession: "random" });
  const refuses = between(cast.stage.table, (verb, pass) =>
    verb === "markAwaited" ? Promise.reject(new TableUnavailableError("mark the lease")) : pass(),
  );
  const [, b] = await cast.joinAll("ab", () => ({ store: refuses }));
  cast.reigns[0]?.leadership.stepDown({ to: b?.id });
  await cast.reign(2);
  expect(Math.max(...gaps(cast))).toBeLessThanOrEqual(GAP_MS);
});

test("a candidate that joins after the announcement takes no place in the line before the end", async () => {
  const cast = new Cast({ succession: { order: "rank", rank: 0 } });
  const [, b] = await cast.joinAll("abcde");
  cast.reigns[0]?.leadership.stepDown({ to: b?.id });
  // Announced for long, because the next one may still poll seldom.
  (await cast.reign(2)).leadership.stepDown();
  await cast.advance(50);
  cast.join("z", { rank: 9 });
  await cast.reign(3);
  expect(cast.told).toBe("a1 b2 a3");
  expect(Math.max(...gaps(cast))).toBeLessThanOrEqual(GAP_MS);
});

test("if the first in line has died, the second sees the free lease soon, and not at its next usual poll", async () => {
  const cast = new Cast({ succession: "arrival" });
  await cast.joinAll("abc");
  cast.reigns[0]?.leadership.stepDown();
  await cast.advance(RENEW_MS);
  cast.kill("b");
  await cast.reign(2);
  expect(cast.told).toBe("a1 c2");
  // Its poll after the announced moment, and its slot in the line.
  expect(Math.max(...gaps(cast))).toBeLessThanOrEqual(100 + LEASE_MS / 30 + GAP_MS);
});
