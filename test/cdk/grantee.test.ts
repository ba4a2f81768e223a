import { Stack } from "aws-cdk-lib";
import {
  AccountPrincipal,
  ArnPrincipal,
  type IGrantable,
  PolicyStatement,
  Role,
  ServicePrincipal,
  User,
} from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { expect, test } from "vitest";
import { LeaseTable } from "../../lib/index.js";
import { statementsOf } from "./policies.js";
import { newApp, newStack, refusal } from "./synth.js";

/** To whom nothing can be granted: CDK adds no policy, and says nothing. */

const HERE = "111122223333";
const roleOf = (account: string) => `arn:aws:iam::${account}:role/worker`;
const newTable = (stack: Stack) => new LeaseTable(stack, "Leases");

const ELSEWHERE =
  "grantee: must be an identity of the stack's account: this stack cannot change the policies of another account; " +
  "received an identity of another account. Suggestion: a role of this account that the other one assumes: " +
  'new Role(this, "Candidate", { assumedBy: new ArnPrincipal(…) }).';
const WITHOUT_POLICIES =
  "grantee: must be an identity that has policies, such as a role, a user, a group or a function;";

test.each<[string, (stack: Stack) => IGrantable, string]>([
  [
    "a role of another account",
    (stack) => Role.fromRoleArn(stack, "Other", roleOf("444455556666")),
    ELSEWHERE,
  ],
  [
    "a user of another account",
    (stack) => User.fromUserArn(stack, "Other", "arn:aws:iam::444455556666:user/ana"),
    ELSEWHERE,
  ],
  ["a role by its ARN alone", () => new ArnPrincipal(roleOf(HERE)), WITHOUT_POLICIES],
  ["an account", () => new AccountPrincipal("444455556666"), WITHOUT_POLICIES],
  ["a service", () => new ServicePrincipal("ecs-tasks.amazonaws.com"), WITHOUT_POLICIES],
])("%s: each grant is refused", (_, make, message) => {
  const stack = newStack("eu-west-1", "Test", HERE);
  const table = newTable(stack);
  const grantee = make(stack);
  expect(refusal(() => table.grantCandidate(grantee, "reports"))).toContain(message);
  expect(refusal(() => table.grantObserver(grantee))).toContain(message);
  expect(refusal(() => table.grantOperator(grantee, "reports"))).toContain(message);
  expect(refusal(() => table.grant(grantee, ["dynamodb:Scan"]))).toContain(message);
});

test("the use of the table's key: refused too", () => {
  const stack = newStack("eu-west-1", "Test", HERE);
  const encryptionKey = Key.fromKeyArn(stack, "Key", `arn:aws:kms:eu-west-1:${HERE}:key/0c1fd5b4`);
  const table = LeaseTable.fromLeaseTableAttributes(stack, "Leases", { tableName: "leases", encryptionKey });
  expect(refusal(() => table.grantKey(new ArnPrincipal(roleOf(HERE))))).toContain(WITHOUT_POLICIES);
});

test("an imported function whose role nobody knows: CDK would add the policy to nothing", () => {
  const stack = newStack("eu-west-1", "Test", HERE);
  const fn = LambdaFunction.fromFunctionArn(stack, "Job", `arn:aws:lambda:eu-west-1:${HERE}:function:job`);
  const message = refusal(() => newTable(stack).grantCandidate(fn, "reports"));
  expect(message).toContain("grantee: must have a role that this app knows");
  const role = Role.fromRoleArn(stack, "Role", roleOf(HERE));
  const known = LambdaFunction.fromFunctionAttributes(stack, "Known", { functionArn: fn.functionArn, role });
  new LeaseTable(stack, "Others").grantCandidate(known, "reports");
});

test.each([
  ["refused at the end of the synthesis", false],
  ["synthesized if the table's own policy allows a role", true],
])("a grant to a role of another account's stack: %s", (_, isAllowed) => {
  const app = newApp();
  const [here, other] = [HERE, "444455556666"].map(
    (account) => new Stack(app, `In${account}`, { env: { region: "eu-west-1", account } }),
  ) as [Stack, Stack];
  const table = new LeaseTable(here, "Leases", { tableName: "leases" });
  const worker = new Role(other, "Worker", {
    roleName: "worker",
    assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com"),
  });
  table.grantCandidate(worker, "reports");
  const principals = [new ArnPrincipal(roleOf("444455556666"))];
  const statement = new PolicyStatement({ principals, actions: ["dynamodb:GetItem"], resources: ["*"] });
  if (isAllowed) table.table.addToResourcePolicy(statement);
  const synthesize = expect(() => app.synth());
  if (isAllowed) synthesize.not.toThrow();
  else
    synthesize.toThrow(
      "Allow it with table.table.addToResourcePolicy(…), and give its client the table's ARN",
    );
});

test.each<[string, string | undefined]>([
  ["of the stack's account", HERE],
  ["where the stack's account is not known", undefined],
])("an imported role %s gets its policy", (_, account) => {
  const stack = newStack("eu-west-1", "Test", account);
  newTable(stack).grantCandidate(Role.fromRoleArn(stack, "Worker", roleOf(HERE)), "reports");
  expect(statementsOf(stack, "Worker").length).toBeGreaterThan(0);
});
