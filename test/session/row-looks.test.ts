import { expect, test } from "vitest";
import type { LeaseClient } from "../../src/lease-client.js";
import type { Lease } from "../../src/protocol/lease.js";
import { Gate } from "../../src/session/gate.js";
import { type Looked, lookAt } from "../../src/session/row-looks.js";
import { heldLease } from "../support/lease.js";

const at = { monotonicMs: 0, wallMs: 0 };

test("a page that fails spoils no other one, and a row that is missing in its page is read alone", async () => {
  const alone: string[] = [];
  const rows = Array.from({ length: 250 }, (_, i): Looked => {
    const election = `e/${i}`;
    const read = async () => {
      alone.push(election);
      if (i === 8) throw new Error("no");
      return { lease: undefined, sent: at };
    };
    return { election, read, noted() {} };
  });
  let running = 0;
  let most = 0;
  const readMany: LeaseClient["readMany"] = async (names) => {
    most = Math.max(most, ++running);
    await undefined;
    running -= 1;
    if (names.includes("e/100")) throw new Error("no");
    const there = names.filter((name) => name !== "e/7" && name !== "e/8");
    const leases = new Map(there.map((name): [string, Lease] => [name, heldLease({ holder: name })]));
    return { answer: { leases, dateMs: undefined }, sent: at, received: at, contradicts: false };
  };
  const seen = new Map<string, Lease | undefined>();
  const failed = await lookAt(rows, { readMany } as LeaseClient, new Gate(2), ({ election }, lease) => {
    seen.set(election, lease);
  });
  const names = (from: number, to: number) => rows.slice(from, to).map(({ election }) => election);
  expect(failed.map(({ election }) => election).sort()).toEqual([...names(100, 200), "e/8"].sort());
  expect([...seen.keys()].sort()).toEqual([...names(0, 8), ...names(9, 100), ...names(200, 250)].sort());
  expect(seen.get("e/7")).toBeUndefined();
  expect(seen.get("e/200")).toMatchObject({ holder: "e/200" });
  expect(alone).toEqual(["e/7", "e/8"]);
  expect(most).toBe(2);
});
