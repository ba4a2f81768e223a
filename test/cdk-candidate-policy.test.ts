import { ManagedPolicy } from "aws-cdk-lib/aws-iam";
import { beforeAll, expect, inject, test } from "vitest";
import { LeaseTable } from "../lib/index.js";
import { Election, type ElectionOptions } from "../src/index.js";
import { actionsOf, type Statement, statementsOf } from "./cdk/policies.js";
import { type Need, needsOf } from "./cdk/requests-needed.js";
import { newStack } from "./cdk/synth.js";
import { type FaultProxy, startFaultProxy } from "./support/fault-proxy.js";
import { eventually, newClient, newLeaseTable, newTable } from "./support/fixture.js";

/** What candidates may do, by the synthesized policy, and what they did, on the wire. */
const ELECTIONS = ["billing/nightly", "reports"];
let needed: Need[];

beforeAll(async () => {
  const { endpoint } = inject("dynamodb");
  await using proxy = await startFaultProxy(endpoint);
  const tableName = await newLeaseTable(newClient());
  const ledger = await newTable(newClient());
  await holdElections(proxy, tableName, ledger);
  needed = proxy.requests.flatMap((request) => needsOf(request, tableName));
});

async function holdElections(proxy: FaultProxy, tableName: string, ledger: string): Promise<void> {
  const candidate = (options: Partial<ElectionOptions> = {}) =>
    new Election({
      client: newClient(proxy.endpoint),
      tableName,
      name: "billing/nightly",
      leaseDurationMs: 1_000,
      ...options,
    });

  // Founded, renewed, fenced, proclaimed, observed, given back.
  const first = await candidate().campaign();
  const renewals = proxy.requests.length;
  await eventually(() => proxy.requests.length > renewals + 1);
  await first.transact([{ Put: { TableName: ledger, Item: { id: "1" } } }]);
  await first.proclaim("http://10.0.0.7:8080");
  const follower = candidate();
  await follower.leader();
  for await (const _ of follower.observe()) break;
  await first.resign();

  // A line of succession, and the takeover from a leader that is cut off.
  await using cut = await startFaultProxy(inject("dynamodb").endpoint);
  await candidate({ client: newClient(cut.endpoint), order: "arrival" }).campaign();
  const stop = new AbortController();
  const lead = (options: Partial<ElectionOptions>) =>
    candidate(options).lead(() => stop.abort(), { signal: stop.signal });
  const waiting = [lead({ order: "arrival" }), lead({ order: "arrival" })];
  await proxy.seen((request) => JSON.stringify(request.body).includes("candidate#"));
  await cut.close();
  await Promise.all(waiting);

  // Jobs, the second time for a tick that is done; another election, of a table that takes no transactions.
  await candidate().runOnce("2026-01-31T03:00:00Z", () => {});
  await candidate().runOnce("2026-01-31T03:00:00Z", () => {});
  const refused = { __type: "com.amazon.coral.validate#ValidationException", message: "not supported" };
  const founded = proxy.next("TransactWriteItems", { kind: "respond", status: 400, body: refused });
  await candidate({ name: "reports" }).runOnce("2026-01-31", () => {});
  await founded;
}

function candidateStatements(): Statement[] {
  const stack = newStack();
  new LeaseTable(stack, "Leases").grantCandidate(new ManagedPolicy(stack, "Worker"), ...ELECTIONS);
  return statementsOf(stack, "Worker");
}

function isAllowed({ action, leadingKey }: Need, statement: Statement): boolean {
  const keys = statement.Condition?.["ForAllValues:StringEquals"]?.["dynamodb:LeadingKeys"] as string[];
  return statement.Effect === "Allow" && actionsOf(statement).includes(action) && keys.includes(leadingKey);
}

test("elections were held: every kind of row was written", () => {
  expect(needed.length).toBeGreaterThan(30);
  expect(new Set(needed.map(({ leadingKey }) => leadingKey))).toEqual(new Set(ELECTIONS));
});

test("the policy of a candidate allows each request that the client sends", () => {
  const statements = candidateStatements();
  expect(needed.filter((need) => !statements.some((statement) => isAllowed(need, statement)))).toEqual([]);
});

test("and no action that it never sends", () => {
  const sent = new Set(needed.map(({ action }) => action));
  const allowed = candidateStatements().flatMap(actionsOf);
  expect(allowed.filter((action) => !sent.has(action))).toEqual([]);
});

test("and no row of another election", () => {
  const foreign = needed.map((need) => ({ ...need, leadingKey: "billing/nightly/2" }));
  const statements = candidateStatements();
  expect(foreign.some((need) => statements.some((statement) => isAllowed(need, statement)))).toBe(false);
});
