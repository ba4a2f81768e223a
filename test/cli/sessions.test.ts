import { expect, test } from "vitest";
import { storeOf } from "../../src/store/open-store.js";
import { incumbent } from "../support/cli.js";
import { newClient, newLeaseTable } from "../support/fixture.js";
import { SessionRows } from "../support/session-rows.js";

/** `incumbent status` of leases that are held under sessions. */

/** Long, so that a session lives for as long as the test takes. */
const LEASE_MS = 600_000;

async function said(...args: string[]) {
  const command = incumbent("status", ...args);
  expect([await command.exited, command.err]).toEqual([0, ""]);
  return command.out;
}

test("status names the session of a lease and tells its end, leaves sessions out of the elections, and lists them when asked", async () => {
  const client = newClient();
  const table = await newLeaseTable(client);
  const store = storeOf({ client, tableName: table });
  const newSession = async (id: string, elections: string[]) => {
    const session = new SessionRows(store, id, Date.now, LEASE_MS);
    await session.open();
    await session.renew();
    for (const election of elections) await session.acquire(election, "worker-1");
    return session;
  };
  await newSession("of-living", ["a/1", "a/2"]);
  const crashed = await newSession("of-crashed", ["b/1"]);
  await crashed.crash();
  const done = await newSession("of-done", ["c/1"]);
  await done.resign("c/1", "worker-1", 1);
  await done.close();

  const all = JSON.parse(await said("--table", table, "--json")) as Array<Record<string, unknown>>;
  expect(all.map(({ election, state, session }) => [election, state, session])).toEqual([
    ["a/1", "held", "of-living"],
    ["a/2", "held", "of-living"],
    ["b/1", "expired", "of-crashed"],
    ["c/1", "vacant", undefined],
  ]);
  // By the session: the row itself lasts sixteen times as long.
  for (const { leftMs, state } of all) if (state === "held") expect(leftMs).toBeLessThanOrEqual(LEASE_MS);

  expect(JSON.parse(await said("--table", table, "--sessions", "--json"))).toMatchObject([
    { session: "of-crashed", state: "ended", leases: 1 },
    { session: "of-living", state: "open", leases: 2 },
  ]);
  expect(await said("--table", table, "--sessions")).toMatch(/^SESSION +STATE +LEASES +LEFT\n.*of-crashed/);

  expect(await said("a/1", "--table", table)).toMatch(/^session +of-living \(open\)$/m);
  const ended = await said("b/1", "--table", table);
  expect(ended).toMatch(/^state +expired$/m);
  expect(ended).toMatch(/^session +of-crashed \(over\)$/m);
  expect(ended).toMatch(/^end reason +crashed$/m);
});
