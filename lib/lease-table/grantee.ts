import { Stack, Token, TokenComparison } from "aws-cdk-lib";
import { Grant, type GrantOnPrincipalOptions, type IPrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { Kind } from "../../src/describe.js";
import { refuse } from "../invalid-prop.js";

/** Adds to the policy of the grantee. Refuses a grantee that would get nothing: CDK says nothing of it. */
export function addToGrantee(scope: Construct, options: GrantOnPrincipalOptions): Grant {
  const { grantee } = options;
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
  const rule = "must be an identity that has policies, such as a role, a user, a group or a function";
  return refuse(
    scope,
    "grantee",
    rule,
    grantee,
    'Role.fromRoleArn(this, "Worker", "arn:aws:iam::…:role/worker")',
  );
}

/** CDK pretends that it changes the policies of such a role. */
function isImportedFromElsewhere(principal: IPrincipal): boolean {
  const { principalAccount } = principal;
  if (principalAccount === undefined || !Construct.isConstruct(principal)) return false;
  const own = Stack.of(principal).account;
  return Token.compareStrings(own, principalAccount) === TokenComparison.DIFFERENT;
}
