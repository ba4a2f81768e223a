import { ManagedPolicy } from "aws-cdk-lib/aws-iam";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { LeaseTable } from "../lib/index.js";
import { actionsOf, type Statement, statementsOf } from "./cdk/policies.js";
import { type Need, needsOf } from "./cdk/requests-needed.js";
import { candidate, ELECTIONS, observer, operator, type Role } from "./cdk/roles.js";
import { newStack } from "./cdk/synth.js";
import { startFaultProxy } from "./support/fault-proxy.js";
import { newClient, newLeaseTable } from "./support/fixture.js";

/** What a grant allows, by the synthesized policy, against what its holder sends, as seen on the wire. */
const ROLES: [string, Role, (table: LeaseTable, to: ManagedPolicy) => void][] = [
  ["grantCandidate", candidate, (table, to) => table.grantCandidate(to, ...ELECTIONS)],
  ["grantObserver", observer, (table, to) => table.grantObserver(to, ...ELECTIONS)],
  ["grantOperator", operator, (table, to) => table.grantOperator(to, ...ELECTIONS)],
];

describe.each(ROLES)("%s", (_, act, grant) => {
  let needed: Need[];
  let statements: Statement[];

  beforeAll(async () => {
    await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
    const tableName = await newLeaseTable(newClient());
    await act(proxy, tableName);
    needed = proxy.requests.flatMap((request) => needsOf(request, tableName));

    const stack = newStack();
    grant(new LeaseTable(stack, "Leases"), new ManagedPolicy(stack, "Policy"));
    statements = statementsOf(stack, "Policy");
  });

  const isAllowed = ({ action, leadingKey }: Need) =>
    statements.some((statement) => {
      const keys = statement.Condition?.["ForAllValues:StringEquals"]?.["dynamodb:LeadingKeys"] as string[];
      return (
        statement.Effect === "Allow" && actionsOf(statement).includes(action) && keys.includes(leadingKey)
      );
    });

  test("allows each request that is sent", () => {
    expect(needed.filter((need) => !isAllowed(need))).toEqual([]);
  });

  test("allows no action that is never sent", () => {
    const sent = new Set(needed.map(({ action }) => action));
    expect(statements.flatMap(actionsOf).filter((action) => !sent.has(action))).toEqual([]);
  });

  test("allows nothing on the rows of another election", () => {
    expect(needed.map((need) => ({ ...need, leadingKey: "billing" })).filter(isAllowed)).toEqual([]);
  });
});
