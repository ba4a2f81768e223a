import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { Election, type Leadership } from "../../src/index.js";
import { incumbent } from "../support/cli.js";
import { eventually, newClient, newLeaseTable } from "../support/fixture.js";

/** `incumbent operate`, on elections that real candidates hold. */
const client = newClient();
let table: string;
beforeAll(async () => {
  table = await newLeaseTable(client);
});

const candidate = (name: string, label: string) =>
  new Election({
    client,
    tableName: table,
    name,
    label,
    succession: "arrival",
    leaseDurationMs: 6_000,
    renewIntervalMs: 500,
  });

async function operate(...args: string[]) {
  const command = incumbent("operate", ...args, "--table", table, "--by", "ana");
  const code = await command.exited;
  return { code, out: command.out, err: command.err };
}

test("step-down --to hands over to whom it names, by its label; status lists who stands", async () => {
  const name = `e/${randomUUID()}`;
  const stop = new AbortController();
  const led: string[] = [];
  const endings: string[] = [];
  const watcher = candidate(name, "watcher");
  const leading: Array<Promise<void>> = [];
  for (const label of ["a", "b", "c"]) {
    const election = candidate(name, label);
    const work = ({ signal }: Leadership) => {
      led.push(label);
      return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    };
    leading.push(election.lead(work, { signal: stop.signal }));
    // They are listed, and come to lead, in the order in which they arrived.
    await eventually(async () => led.length > 0 && (await watcher.candidates()).length === leading.length);
  }
  expect(led).toEqual(["a"]);
  const status = incumbent("status", name, "--table", table);
  await status.exited;
  expect(status.out).toMatch(/CANDIDATE +ROLE/);
  const refused = await operate(name, "step-down", "--to", "nobody");
  expect(refused.code).toBe(2);
  expect(refused.err).toMatch(
    /--to: a string of 6 characters that is no candidate's id or label; there are: a-.*, b-.*, c-/,
  );
  expect(led).toEqual(["a"]);
  const asked = await operate(name, "step-down", "--to", "c");
  expect(asked).toMatchObject({ code: 0, err: "" });
  expect(asked.out).toMatch(/^a-\w+ \(term 1\) is asked to hand over to c-\w+;/);
  await eventually(() => led.length === 2);
  expect(led).toEqual(["a", "c"]);
  stop.abort();
  await Promise.all(leading);
  for (const { endReason } of await watcher.history()) endings.push(String(endReason));
  expect(endings).toEqual(["resigned", "handed-off"]);
});

test("evict, pause and resume: what is done is told, what is not exits with 1", async () => {
  const name = `e/${randomUUID()}`;
  expect(await operate(name, "evict")).toEqual({ code: 1, out: `Nobody leads "${name}".\n`, err: "" });
  expect(await operate(name, "resume")).toMatchObject({ code: 1 });
  const leadership = await candidate(name, "a").campaign();
  expect((await operate(name, "evict")).out).toMatch(/^a-\w+ \(term 1\) is evicted/);
  await eventually(() => leadership.signal.aborted);
  expect((await operate(name, "pause", "--json")).out).toContain('"done":true');
  expect(await candidate(name, "b").tryCampaign()).toBeUndefined();
  expect(await operate(name, "resume")).toEqual({ code: 0, out: `"${name}" is resumed.\n`, err: "" });
  await leadership.resign();
});

test("bad usage names what is wrong and what works", async () => {
  expect((await operate("e")).err).toContain(
    "one of step-down, evict, pause, resume, reset-tick; received undefined",
  );
  expect((await operate("e", "depose")).err).toContain("received a string of 6 characters");
  expect((await operate("e", "evict", "--to", "x")).err).toContain("goes with step-down and reset-tick only");
  for (const bad of [["e"], ["e", "depose"]]) expect((await operate(...bad)).code).toBe(2);
});

test("reset-tick undoes a wrong tick, or all; status shows it; a held lease is told how to be ended", async () => {
  const name = `e/${randomUUID()}`;
  const election = candidate(name, "a");
  expect(await operate(name, "reset-tick")).toMatchObject({
    code: 1,
    out: expect.stringContaining(
      `Your reset is not on the lease row of "${name}": it was never led, or somebody changed`,
    ) as string,
  });
  await election.runOnce("2026-01-31T03:00:00Z", () => {});
  await election.runOnce("2062-01-31T03:00:00Z", () => {});
  const back = await operate(name, "reset-tick", "--to", "2026-01-31T03:00:00Z");
  expect(back).toMatchObject({
    code: 0,
    err: "",
    out: `The last tick of "${name}" was 2062-01-31T03:00:00.000Z. It is 2026-01-31T03:00:00.000Z now.\n`,
  });
  const status = incumbent("status", name, "--table", table);
  await status.exited;
  expect(status.out).toMatch(/last tick +2026-01-31T03:00:00.000Z\n/);
  expect(status.out).toMatch(/ticks reset by ana at \d{4}-.*, after term 2\n/);
  expect(status.out).toMatch(/resigned; ticks reset by ana/);
  const json = incumbent("status", name, "--table", table, "--json");
  await json.exited;
  expect(JSON.parse(json.out).terms.at(-1)).toMatchObject({
    term: 2,
    tickReset: { by: "ana", to: "2026-01-31T03:00:00.000Z" },
  });
  const all = await operate(name, "reset-tick", "--json");
  expect(JSON.parse(all.out)).toEqual({ done: true, from: "2026-01-31T03:00:00.000Z" });
  expect((await operate(name, "reset-tick", "--to", "2026-01-30")).out).toBe(
    `"${name}" had no completed tick. Its last tick is 2026-01-30 now.\n`,
  );
  expect(await operate(name, "reset-tick", "--to", "22/11/2027")).toMatchObject({
    code: expect.any(Number) as number,
    err: expect.stringContaining('Suggestion: "2027-11-22"') as string,
  });
  const leadership = await election.tryCampaign();
  expect(await operate(name, "reset-tick")).toMatchObject({
    code: 1,
    err: expect.stringMatching(/is held by a-.*Suggestion: /) as string,
  });
  await leadership?.resign();
  expect(await operate(name, "pause", "--to", "x")).toMatchObject({ code: 2 });
});
