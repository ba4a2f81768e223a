import { existsSync } from "node:fs";
import { type Duration, RemovalPolicy } from "aws-cdk-lib";
import { ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  type Code,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { NodejsFunction, type NodejsFunctionProps } from "aws-cdk-lib/aws-lambda-nodejs";
import { type ILogGroup, LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { acknowledge, acknowledgePolicy, nist } from "../acknowledge.js";
import { refuse } from "../invalid-prop.js";
import { bundlingError } from "./esbuild.js";
import { bundlingOf, type FunctionProps } from "./function-props.js";

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
    const role = given.role ?? newRole(this, logGroup, given);
    if (given.role) logGroup.grantWrite(role);
    const settings = {
      architecture: Architecture.ARM_64,
      description: props.description,
      ...given,
      ...{ timeout, memorySize, environment, logGroup, role },
      runtime: RUNTIME,
    };
    if (code) {
      this.function = new LambdaFunction(this, "Function", { ...settings, code, handler: "index.handler" });
    } else {
      if (entry === undefined || !existsSync(entry)) {
        const rule =
          "must be a file that exports `handler`, and there is no file at this path from the folder where cdk runs";
        refuse(this, "entry", rule, entry, "src/nightly.ts");
      }
      try {
        this.function = new NodejsFunction(this, "Function", {
          ...settings,
          environment: { ...sourceMaps(bundling), ...environment },
          entry,
          bundling: bundlingOf(bundling),
        });
      } catch (error) {
        throw bundling?.forceDockerBundling ? error : bundlingError(this, error);
      }
    }
    acknowledge(
      this.function,
      nist("LambdaInsideVPC"),
      "Nothing can connect to it. It sends requests over TLS, with its role.",
    );
    acknowledge(
      this.function,
      nist("LambdaConcurrency"),
      "The election lets one run work at a time. A reservation would take from the account's concurrency.",
    );
  }
}

function newLogGroup(scope: Construct, retention: RetentionDays): LogGroup {
  const logGroup = new LogGroup(scope, "Logs", { retention, removalPolicy: RemovalPolicy.DESTROY });
  const reason =
    "CloudWatch Logs encrypts it with a key of its own. functionProps.logGroup takes another log group.";
  acknowledge(logGroup, nist("CloudWatchLogGroupEncrypted"), reason);
  return logGroup;
}

/** CDK adds what tracing needs. What a VPC needs it adds only to a role that it makes. */
function newRole(scope: Construct, logGroup: ILogGroup, { vpc, tracing }: FunctionProps): Role {
  const role = new Role(scope, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
  logGroup.grantWrite(role);
  if (vpc) {
    const name = "service-role/AWSLambdaVPCAccessExecutionRole";
    role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName(name));
    const id = `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${name}]`;
    const reason =
      "Lambda's network interfaces have no ARN before they exist. AWS maintains the list of actions.";
    acknowledge(role, [id], reason);
  }
  const isTraced = tracing !== undefined && tracing !== Tracing.DISABLED;
  const wildcards = isTraced ? ["AwsSolutions-IAM5[Resource::*]"] : [];
  acknowledgePolicy(role, wildcards, "X-Ray takes traces of no particular resource: it has no ARN to name.");
  return role;
}

/** The bundle's source map is read only with this option. A `NODE_OPTIONS` of the user's stays as it is. */
function sourceMaps(bundling: NodejsFunctionProps["bundling"]): Record<string, string> {
  return bundling?.sourceMap === false ? {} : { NODE_OPTIONS: "--enable-source-maps" };
}
