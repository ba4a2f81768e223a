import { afterEach, expect, test, vi } from "vitest";
import { TableReader } from "../../src/views/table-reader.js";
import { newClient, newLeaseTable } from "../support/fixture.js";

const silent = { send: () => new Promise<never>(() => {}) };

async function all(reader: TableReader, wanted: Parameters<TableReader["rows"]>[0] = {}) {
  const rows = [];
  for await (const row of reader.rows(wanted)) rows.push(row);
  return rows;
}

afterEach(() => {
  vi.useRealTimers();
});

test("a table that never answers does not hold up who reads it", async () => {
  vi.useFakeTimers();
  const read = all(new TableReader(silent, "incumbent"));
  const refused = expect(read).rejects.toMatchObject({ code: "TABLE_UNAVAILABLE" });
  await vi.advanceTimersByTimeAsync(10_000);
  await refused;
});

test("the caller's signal ends it, with the signal's reason", async () => {
  const stop = new AbortController();
  const read = all(new TableReader(silent, "incumbent", stop.signal));
  stop.abort(new Error("enough"));
  await expect(read).rejects.toThrow("enough");
});

test("it learns the table's time from its first answer", async () => {
  const client = newClient();
  const reader = new TableReader(client, await newLeaseTable(client));
  expect(reader.time.headers).toBeUndefined();
  expect(await all(reader)).toEqual([]);
  // The table's clock is this machine's; an answer tells it to the second.
  expect(Math.abs((reader.time.at(reader.time.now()) ?? 0) - Date.now())).toBeLessThan(2_000);
});
