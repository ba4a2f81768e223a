import { existsSync } from "node:fs";
import { type Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  type Code,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { NodejsFunction, type NodejsFunctionProps } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { bundlingError } from "./esbuild.js";
import { bundlingOf, type FunctionProps } from "./function-props.js";
import { refuse } from "./invalid-prop.js";

/** The newest Node.js with long-term support that Lambda has. */
const RUNTIME = Runtime.NODEJS_24_X;

export interface LeaderFunctionProps {
  /** A TypeScript or JavaScript file that exports `handler`, to be bundled … */
  readonly entry?: string;
  /** … or code that is bundled already, with `handler` in `index.mjs`. */
  readonly code?: Code;
  readonly timeout: Duration;
  readonly memorySize: number;
  readonly environment?: Record<string, string>;
  readonly logRetention: RetentionDays;
  readonly description: string;
  /** What CDK's function takes besides. @default none */
  readonly functionProps?: FunctionProps | undefined;
}

/** A Lambda function with its own log group and role, unless others are given. The role may only write that log. */
export class LeaderFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: LeaderFunctionProps) {
    super(scope, id);
    const { entry, code, timeout, memorySize, environment = {}, functionProps = {} } = props;
    const { bundling, ...given } = functionProps;
    const logGroup = given.logGroup ?? newLogGroup(this, props.logRetention);
    const role = given.role ?? newRole(this, given);
    logGroup.grantWrite(role);
    const settings = {
      architecture: Architecture.ARM_64,
      description: props.description,
      ...given,
      ...{ timeout, memorySize, environment, logGroup, role },
      runtime: RUNTIME,
    };
    if (code) {
      this.function = new LambdaFunction(this, "Function", { ...settings, code, handler: "index.handler" });
      return;
    }
    if (entry === undefined || !existsSync(entry)) {
      refuse(this, "entry", "must be a file that exports `handler`", entry, "src/nightly.ts");
    }
    try {
      this.function = new NodejsFunction(this, "Function", {
        ...settings,
        environment: { ...sourceMaps(bundling), ...environment },
        entry,
        bundling: bundlingOf(bundling),
      });
    } catch (error) {
      throw bundlingError(this, error);
    }
  }
}

function newLogGroup(scope: Construct, retention: RetentionDays): LogGroup {
  return new LogGroup(scope, "Logs", { retention, removalPolicy: RemovalPolicy.DESTROY });
}

/** CDK adds what tracing needs. What a VPC needs it adds only to a role that it makes. */
function newRole(scope: Construct, { vpc, tracing = Tracing.DISABLED }: FunctionProps): Role {
  const role = new Role(scope, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
  if (vpc) {
    const name = "service-role/AWSLambdaVPCAccessExecutionRole";
    role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName(name));
    const id = `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${name}]`;
    const reason =
      "Lambda's network interfaces have no ARN before they exist. AWS maintains the list of actions.";
    Validations.of(role).acknowledge({ id, reason });
  }
  if (tracing !== Tracing.DISABLED) {
    const reason = "X-Ray takes traces of no particular resource: it has no ARN to name.";
    Validations.of(role).acknowledge({ id: "AwsSolutions-IAM5[Resource::*]", reason });
  }
  return role;
}

/** The bundle's source map is read only with this option. A `NODE_OPTIONS` of the user's stays as it is. */
function sourceMaps(bundling: NodejsFunctionProps["bundling"]): Record<string, string> {
  return bundling?.sourceMap === false ? {} : { NODE_OPTIONS: "--enable-source-maps" };
}
