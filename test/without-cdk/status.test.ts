import { readFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { Election } from "../../src/index.js";
import { actionsOf, type Statement } from "../cdk/policies.js";
import { needsOf } from "../cdk/requests-needed.js";
import { incumbent } from "../support/cli.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { newClient, newLeaseTable } from "../support/fixture.js";

/** What `incumbent status` sends, against the policy that docs/without-cdk.md names. */

const NAME = "billing/nightly";

function allowed(role: string): string[] {
  const { Statement } = JSON.parse(readFileSync(`docs/without-cdk/${role}.policy.json`, "utf8"));
  return (Statement as Statement[]).flatMap((statement) => {
    const keys = statement.Condition?.["ForAllValues:StringEquals"]?.["dynamodb:LeadingKeys"] ?? ["any"];
    return actionsOf(statement).flatMap((action) => [keys].flat().map((key) => `${action} on ${key}`));
  });
}

test.each([
  ["of one election", "observer", [NAME]],
  ["of all elections", "status", []],
])("status %s needs what %s.policy.json allows, and all of it", async (_, role, args) => {
  await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
  const client = newClient();
  const table = await newLeaseTable(client);
  const options = { client, tableName: table, succession: "arrival" as const };
  await using _leader = await new Election({ ...options, name: NAME }).campaign();
  const { exited } = incumbent("status", ...args, "--table", table, "--endpoint", proxy.endpoint);
  expect(await exited).toBe(0);
  const needed = proxy.requests
    .flatMap((request) => needsOf(request, table))
    .map(({ action, leadingKey }) => `${action} on ${leadingKey ?? "any"}`);
  expect([...new Set(needed)].sort()).toEqual(allowed(role).sort());
});
