import { Stack, Token, TokenComparison } from "aws-cdk-lib";
import type { ITableV2, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import {
  Grant,
  type GrantOnPrincipalOptions,
  type IGrantable,
  type IPrincipal,
  UnknownPrincipal,
} from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { Kind } from "../../src/describe.js";
import { refuse } from "../invalid-prop.js";

const CAN_BE_GRANTED = "must be an identity that has policies, such as a role, a user, a group or a function";
const A_ROLE = 'Role.fromRoleArn(this, "Worker", "arn:aws:iam::…:role/worker")';

/** Adds to the policy of the grantee. Refuses a grantee that would get nothing: CDK says nothing of it. */
export function addToGrantee(scope: Construct, options: GrantOnPrincipalOptions): Grant {
  const { grantee } = options;
  if ((grantee as Partial<IGrantable> | undefined)?.grantPrincipal === undefined) {
    refuse(scope, "grantee", CAN_BE_GRANTED, grantee, A_ROLE);
  }
  // CDK warns, and pretends that it has added to a policy.
  if (grantee.grantPrincipal instanceof UnknownPrincipal) {
    const suggestion = "Function.fromFunctionAttributes(…) with its role, or the role itself";
    refuse(
      scope,
      "grantee",
      "must have a role that this app knows",
      new Kind("an imported resource without its role"),
      suggestion,
    );
  }
  if (isImportedFromElsewhere(grantee.grantPrincipal)) {
    const rule =
      "must be an identity of the stack's account: this stack cannot change the policies of another account";
    const received = new Kind("an identity of another account");
    const suggestion =
      'a role of this account that the other one assumes: new Role(this, "Candidate", { assumedBy: new ArnPrincipal(…) })';
    refuse(scope, "grantee", rule, received, suggestion);
  }
  const grant = Grant.addToPrincipal(options);
  if (grant.success) return grant;
  return refuse(scope, "grantee", CAN_BE_GRANTED, grantee, A_ROLE);
}

/**
 * A role of another account needs the table's own policy too. The app can add that policy after the grant, so this looks at
 * the end of the synthesis. What another app's table allows is not known.
 */
export function checkTablePolicy(
  scope: Construct,
  { grantPrincipal }: IGrantable,
  table: ITableV2 | TableV2,
): void {
  const { principalAccount = table.env.account } = grantPrincipal;
  if (Token.compareStrings(principalAccount, table.env.account) !== TokenComparison.DIFFERENT) return;
  const own = table.node.defaultChild ? (table as TableV2) : undefined;
  const refusal =
    "A role of another account is granted the use of this lease table, and the table's own policy allows no role: DynamoDB would " +
    "refuse its requests. Allow it with table.table.addToResourcePolicy(…), and give its client the table's ARN as tableName. " +
    "Or make a role in the table's account that the other one assumes.";
  scope.node.addValidation({ validate: () => (own && !own.resourcePolicy ? [refusal] : []) });
}

/** CDK pretends that it changes the policies of such a role. */
function isImportedFromElsewhere(principal: IPrincipal): boolean {
  const { principalAccount } = principal;
  if (principalAccount === undefined || !Construct.isConstruct(principal)) return false;
  const own = Stack.of(principal).account;
  return Token.compareStrings(own, principalAccount) === TokenComparison.DIFFERENT;
}
