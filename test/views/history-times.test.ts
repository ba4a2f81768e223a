import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Election, systemClock } from "../../src/index.js";
import { incumbent } from "../support/cli.js";
import { newClient, newLeaseTable } from "../support/fixture.js";

/** Rule 5g, on a real table: two candidates whose wall clocks are wrong, and who lead in turns. */

const client = newClient();
let tableName: string;
beforeAll(async () => {
  tableName = await newLeaseTable(client);
});
afterAll(() => client.destroy());

/** A candidate on a host whose wall clock is wrong by this much. */
function candidate(name: string, wrongByMs: number) {
  const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + wrongByMs };
  return new Election({ client, tableName, name, runtime: { clock } });
}

test("leaders that take turns do not overlap, and each time is right within its error", async () => {
  const name = `e/${randomUUID()}`;
  const truth: Array<{ beganMs: number; endedMs: number }> = [];
  // A new candidate each time: it knows the table's time from one answer only, so its estimate is coarse.
  for (let turn = 0; turn < 8; turn++) {
    const beganMs = Date.now();
    const leadership = await candidate(name, turn % 2 === 0 ? 4_000 : -4_000).campaign();
    await leadership.resign();
    truth.push({ beganMs, endedMs: Date.now() });
  }
  const terms = (await candidate(name, 0).history()).reverse();
  expect(terms.map(({ term }) => term)).toEqual(truth.map((_, i) => i + 1));
  const moments = terms.flatMap(({ electedAt, endedAt }) => [electedAt ?? Number.NaN, endedAt ?? Number.NaN]);
  expect(moments).toEqual([...moments].sort((a, b) => a - b));
  for (const [i, { electedAt = 0, electedErrorMs = 0, endedAt = 0, endedErrorMs = 0 }] of terms.entries()) {
    const { beganMs, endedMs } = truth[i] as (typeof truth)[number];
    expect(electedAt + electedErrorMs).toBeGreaterThanOrEqual(beganMs);
    expect(electedAt - electedErrorMs).toBeLessThanOrEqual(endedMs);
    expect(endedAt + endedErrorMs).toBeGreaterThanOrEqual(beganMs);
    expect(endedAt - endedErrorMs).toBeLessThanOrEqual(endedMs);
    expect(electedErrorMs).toBeGreaterThan(0);
  }
  // What each wrote is still there.
  expect(terms.every(({ recorded }) => recorded.electedErrorMs && recorded.endedErrorMs)).toBe(true);

  const shown = incumbent("status", name, "--table", tableName);
  await shown.exited;
  expect(shown.out.match(/T[\d:.]+Z ±\d+\.\d s/g)?.length).toBeGreaterThanOrEqual(16);
  const printed = incumbent("status", name, "--table", tableName, "--json");
  await printed.exited;
  expect(JSON.parse(printed.out).terms.at(-1)).toMatchObject({
    electedErrorMs: expect.any(Number),
    endedErrorMs: expect.any(Number),
    recorded: { electedAt: expect.any(String), electedErrorMs: expect.any(Number) },
  });
});
