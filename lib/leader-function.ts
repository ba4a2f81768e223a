import { existsSync } from "node:fs";
import { type Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  type Code,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { NodejsFunction, type NodejsFunctionProps, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { bundlingError } from "./esbuild.js";
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
  /** Whether to send traces to X-Ray. */
  readonly traced?: boolean;
}

/** A Lambda function with its own log group and role. The role may only write that log. */
export class LeaderFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: LeaderFunctionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, "Logs", {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(role);
    if (props.traced) {
      const reason = "X-Ray takes traces of no particular resource: it has no ARN to name.";
      Validations.of(role).acknowledge({ id: "AwsSolutions-IAM5[Resource::*]", reason });
    }
    const { entry, code, timeout, memorySize, environment = {}, description } = props;
    const tracing = props.traced ? Tracing.ACTIVE : Tracing.DISABLED;
    const settings = { timeout, memorySize, environment, description, logGroup, role, tracing, ...PLATFORM };
    if (code) {
      this.function = new LambdaFunction(this, "Function", { ...settings, code, handler: "index.handler" });
      return;
    }
    if (entry === undefined || !existsSync(entry)) {
      refuse(this, "entry", "must be a file that exports `handler`", entry, "src/nightly.ts");
    }
    try {
      this.function = new NodejsFunction(this, "Function", { ...settings, entry, bundling: BUNDLING });
    } catch (error) {
      throw bundlingError(this, error);
    }
  }
}

const PLATFORM = { runtime: RUNTIME, architecture: Architecture.ARM_64 };

/** The AWS SDK's clients come with the runtime. CommonJS packages within an ES module still call `require`. */
const BUNDLING: NonNullable<NodejsFunctionProps["bundling"]> = {
  format: OutputFormat.ESM,
  mainFields: ["module", "main"],
  minify: true,
  externalModules: ["@aws-sdk/client-*", "@aws-sdk/lib-*"],
  banner:
    'import{createRequire as incumbentRequire}from"node:module";const require=incumbentRequire(import.meta.url);',
};
