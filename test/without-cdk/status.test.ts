import { readFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { Election, Session } from "../../src/index.js";
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
    const { "ForAllValues:StringEquals": equals, "ForAllValues:StringLike": like } =
      statement.Condition ?? {};
    const keys = (equals ?? like)?.["dynamodb:LeadingKeys"] ?? ["any"];
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
  await using session = new Session({ client, tableName: table });
  await using _leader = await new Election({ session, name: NAME, succession: "arrival" }).campaign();
  const command = incumbent("status", ...args, "--table", table, "--endpoint", proxy.endpoint);
  expect([await command.exited, command.err]).toEqual([0, ""]);
  const needed = proxy.requests
    .flatMap((request) => needsOf(request, table))
    .map(
      ({ action, leadingKey = "any" }) => `${action} on ${leadingKey.replace(/^session#.*/, "session#*")}`,
    );
  expect([...new Set(needed)].sort()).toEqual(allowed(role).sort());
});
