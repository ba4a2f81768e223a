import { Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { type IGrantable, ManagedPolicy } from "aws-cdk-lib/aws-iam";
import { type ILeaseTable, LeaseTable } from "../../lib/index.js";
import type { Json } from "../cdk/plain-template.js";
import { newApp } from "../cdk/synth.js";

/** What the grants allow, as JSON, of the table and the election that docs/without-cdk.md names. */

const ENV = { account: "123456789012", region: "eu-west-1" };
const TABLE = "incumbent";
export const ELECTION = "billing/nightly";

const GRANTS: Record<string, (table: ILeaseTable, to: IGrantable) => void> = {
  candidate: (table, to) => table.grantCandidate(to, ELECTION),
  sessions: (table, to) => table.grantSessions(to, ELECTION),
  observer: (table, to) => table.grantObserver(to, ELECTION),
  operator: (table, to) => table.grantOperator(to, ELECTION),
  status: (table, to) => table.grant(to, ["dynamodb:Scan"]),
};

/** By role. */
export function policies(): Record<string, Json> {
  return Object.fromEntries(Object.entries(GRANTS).map(([role, grant]) => [role, policyOf(grant)]));
}

function policyOf(grant: (table: ILeaseTable, to: IGrantable) => void): Json {
  const stack = new Stack(newApp(), "Policies", { env: ENV });
  grant(LeaseTable.fromTableName(stack, "Leases", TABLE), new ManagedPolicy(stack, "Policy"));
  const { Resources } = Template.fromStack(stack).toJSON();
  const [policy] = Object.values(Resources) as [{ Properties: { PolicyDocument: { Statement: Json[] } } }];
  const { Statement } = policy.Properties.PolicyDocument;
  const Resource = `arn:aws:dynamodb:${ENV.region}:${ENV.account}:table/${TABLE}`;
  return { Version: "2012-10-17", Statement: Statement.map((statement) => ({ ...statement, Resource })) };
}
