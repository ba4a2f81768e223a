import assert from "node:assert/strict";
import { Election } from "incumbent";
import { ManualClock, MemoryTable } from "incumbent/testing";

const clock = new ManualClock();
const table = new MemoryTable({ keys: { ledger: ["id"] }, serviceTimeMs: () => clock.wallMs() });
const election = new Election({ store: table, name: "billing/nightly", runtime: { clock } });

const leadership = await election.campaign();
await leadership.transact([{ Put: { TableName: "ledger", Item: { id: "1", cents: 450 } } }]);
assert.deepEqual(table.items("ledger"), [{ id: "1", cents: 450 }]);

clock.freeze(20_000); // the machine was suspended for longer than the lease
assert.throws(() => leadership.throwIfLost(), { code: "LEASE_LOST", reason: "expired", term: 1 });
console.log("a suspended leader knows that it leads no longer");
