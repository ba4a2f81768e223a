import type { Json } from "../cdk/plain-template.js";
import { Block, Call, Expression } from "./hcl.js";

/** How CloudFormation's resources are written in Terraform. */

export const TYPES: Record<string, string> = {
  "AWS::CloudWatch::Alarm": "aws_cloudwatch_metric_alarm",
  "AWS::DynamoDB::GlobalTable": "aws_dynamodb_table",
  "AWS::IAM::Policy": "aws_iam_role_policy",
  "AWS::IAM::Role": "aws_iam_role",
  "AWS::Lambda::EventInvokeConfig": "aws_lambda_function_event_invoke_config",
  "AWS::Lambda::Function": "aws_lambda_function",
  "AWS::Logs::LogGroup": "aws_cloudwatch_log_group",
  "AWS::SQS::Queue": "aws_sqs_queue",
  "AWS::SQS::QueuePolicy": "aws_sqs_queue_policy",
  "AWS::Scheduler::Schedule": "aws_scheduler_schedule",
};

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation's own shapes
type Properties = any;

/** The properties of a type as the body of a Terraform resource with this name. */
export const BODIES: Record<string, (properties: Properties, name: string) => Json> = {
  "AWS::CloudWatch::Alarm": ({ Dimensions, OKActions, ...rest }, name) => ({
    alarm_name: `\${var.name}-${name.replaceAll("_", "-")}`,
    ...attributes(rest),
    dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }: Properties) => [Name, Value])),
    ok_actions: OKActions,
  }),
  "AWS::DynamoDB::GlobalTable": (table) => {
    const { TableName, KeySchema, AttributeDefinitions, Replicas, SSESpecification, ...rest } = table;
    const { TimeToLiveSpecification, ...others } = rest;
    const [{ Region: _, PointInTimeRecoverySpecification, ...replica }] = Replicas;
    return {
      name: TableName,
      ...attributes({ ...others, ...replica }),
      hash_key: KeySchema[0].AttributeName,
      range_key: KeySchema[1].AttributeName,
      attribute: AttributeDefinitions.map(
        ({ AttributeName, AttributeType }: Properties) =>
          new Block({ name: AttributeName, type: AttributeType }),
      ),
      ttl: new Block(attributes(TimeToLiveSpecification)),
      point_in_time_recovery: new Block({
        enabled: PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled,
      }),
      server_side_encryption: new Block({ enabled: SSESpecification.SSEEnabled }),
    };
  },
  "AWS::IAM::Policy": ({ PolicyDocument, Roles }) => ({
    role: Roles[0],
    policy: new Call("jsonencode", PolicyDocument),
  }),
  "AWS::IAM::Role": ({ AssumeRolePolicyDocument, ...rest }) => ({
    ...attributes(rest),
    assume_role_policy: new Call("jsonencode", AssumeRolePolicyDocument),
  }),
  "AWS::Lambda::EventInvokeConfig": attributes,
  "AWS::Lambda::Function": ({ Code: _, Environment, LoggingConfig, ...rest }) => ({
    function_name: new Expression("var.name"),
    filename: new Expression("var.code"),
    source_code_hash: new Expression("filebase64sha256(var.code)"),
    ...attributes(rest),
    environment: new Block({ variables: Environment.Variables }),
    logging_config: new Block({ log_format: "Text", log_group: LoggingConfig.LogGroup }),
  }),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Terraform fills it in
  "AWS::Logs::LogGroup": (logs) => ({ name: "/aws/lambda/${var.name}", ...attributes(logs) }),
  "AWS::SQS::Queue": ({ MessageRetentionPeriod, ...rest }) => ({
    message_retention_seconds: MessageRetentionPeriod,
    ...attributes(rest),
  }),
  "AWS::SQS::QueuePolicy": ({ PolicyDocument, Queues }) => ({
    queue_url: Queues[0],
    policy: new Call("jsonencode", PolicyDocument),
  }),
  "AWS::Scheduler::Schedule": ({ Target: { Input, ...target }, ...rest }) => {
    const { target: made, ...others } = attributes({ ...rest, Target: target });
    // Not by `jsonencode`: it writes < and > as \\u003c and \\u003e, and the Scheduler would not fill in the time.
    return { ...others, target: new Block({ input: Input, ...(made as Block).body }) };
  },
};

/** Most properties have the same name in Terraform, in its own spelling. An object is a block. */
function attributes(properties: Json): Json {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      snake(name),
      isObject(value) ? new Block(attributes(value)) : value,
    ]),
  );
}

/** `JobDeadLetters` becomes `job_dead_letters`. */
export function snake(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toLowerCase();
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value?.constructor === Object;
}
