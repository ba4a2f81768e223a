import { CfnResource } from "aws-cdk-lib";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { Kind } from "../../src/describe.js";
import { refuse } from "../invalid-prop.js";

/** Refuses a function of the user that cannot run the job, when the app is synthesized. */

const NEW_FUNCTION = 'new NodejsFunction(this, "Nightly", { entry: "src/nightly.ts" })';
/** They belong to a function, and have no variables and no timeout themselves. */
const KINDS: Readonly<Record<string, Kind>> = {
  "AWS::Lambda::Alias": new Kind("an alias"),
  "AWS::Lambda::Version": new Kind("a version"),
};

/** In plain JavaScript, or with a cast, it can be anything. */
export function checkOwnFunction(scope: Construct, given: LambdaFunction): void {
  const type = cfnTypeOf(given);
  if (type === "AWS::Lambda::Function") return;
  const rule = "must be a Function that this app makes: it gets variables, permissions and retries";
  const kind = type === undefined ? undefined : KINDS[type];
  if (kind) refuse(scope, "function", rule, kind, "the function itself");
  const received = isImported(given) ? new Kind("an imported function") : given;
  refuse(scope, "function", rule, received, NEW_FUNCTION);
}

/** A function has one configuration of its retries. */
export function checkNoRetries(scope: Construct, job: LambdaFunction): void {
  if (job.node.tryFindChild("EventInvokeConfig") === undefined) return;
  const rule =
    "must be false: the function has retries already (retryAttempts, maxEventAge, onFailure, onSuccess, or another " +
    "ScheduledLeader)";
  refuse(scope, "retry", rule, new Kind("a function with an EventInvokeConfig"), "retry: false");
}

function cfnTypeOf(given: unknown): string | undefined {
  const child = Construct.isConstruct(given) ? given.node.defaultChild : undefined;
  return child && CfnResource.isCfnResource(child) ? child.cfnResourceType : undefined;
}

function isImported(given: unknown): boolean {
  return Construct.isConstruct(given) && "functionArn" in given && !("addEnvironment" in given);
}
