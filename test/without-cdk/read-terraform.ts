import type { Json } from "../cdk/plain-template.js";

/** Terraform, as python-hcl2 has parsed it, as CloudFormation's resources. It is written apart from what makes the files. */

// biome-ignore lint/suspicious/noExplicitAny: parsed text, of any shape
type Parsed = any;

/** By CloudFormation's id. */
export function resourcesOf(parsed: Parsed): Record<string, Json> {
  const resources: [string, string, Parsed][] = parsed.resource.flatMap((entry: Parsed) =>
    Object.entries(entry).flatMap(([type, named]) =>
      Object.entries(named as object).map(([name, body]) => [type, name, body]),
    ),
  );
  return Object.fromEntries(
    resources.map(([type, name, { depends_on, lifecycle, ...body }]) => [
      camel(name),
      {
        Type: typeOf(type),
        Properties: propertiesOf(type, body),
        ...(depends_on && {
          DependsOn: depends_on.map(({ expression }: Parsed) => camel(expression.split(".")[1])),
        }),
        ...(lifecycle?.[0].prevent_destroy && { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" }),
      },
    ]),
  );
}

function typeOf(type: string): string {
  const [, service, resource] = KINDS.find(([name]) => name === type) ?? [];
  if (resource === undefined) throw new Error(`no type of CloudFormation is known for ${type}`);
  return `AWS::${service}::${resource}`;
}

const KINDS: [string, string, string][] = [
  ["aws_cloudwatch_log_group", "Logs", "LogGroup"],
  ["aws_cloudwatch_metric_alarm", "CloudWatch", "Alarm"],
  ["aws_dynamodb_table", "DynamoDB", "GlobalTable"],
  ["aws_iam_role", "IAM", "Role"],
  ["aws_iam_role_policy", "IAM", "Policy"],
  ["aws_lambda_function", "Lambda", "Function"],
  ["aws_lambda_function_event_invoke_config", "Lambda", "EventInvokeConfig"],
  ["aws_scheduler_schedule", "Scheduler", "Schedule"],
  ["aws_sqs_queue", "SQS", "Queue"],
  ["aws_sqs_queue_policy", "SQS", "QueuePolicy"],
];

function propertiesOf(type: string, body: Parsed): Json {
  switch (type) {
    case "aws_cloudwatch_metric_alarm": {
      const { alarm_name: _, dimensions, ok_actions, ...rest } = body;
      const Dimensions = Object.entries(dimensions).map(([Name, value]) => ({
        Name,
        Value: untranslated(value),
      }));
      return { ...properties(rest), Dimensions, OKActions: untranslated(ok_actions) };
    }
    case "aws_cloudwatch_log_group":
      return { RetentionInDays: body.retention_in_days };
    case "aws_dynamodb_table":
      return tableOf(body);
    case "aws_iam_role": {
      const { assume_role_policy, ...rest } = body;
      return { ...properties(rest), AssumeRolePolicyDocument: untranslated(assume_role_policy.jsonencode) };
    }
    case "aws_iam_role_policy":
      return { Roles: [untranslated(body.role)], PolicyDocument: untranslated(body.policy.jsonencode) };
    case "aws_sqs_queue_policy":
      return { Queues: [untranslated(body.queue_url)], PolicyDocument: untranslated(body.policy.jsonencode) };
    case "aws_sqs_queue": {
      const { message_retention_seconds, ...rest } = body;
      return { ...properties(rest), MessageRetentionPeriod: message_retention_seconds };
    }
    case "aws_lambda_function": {
      const { function_name, filename, source_code_hash, environment, logging_config, ...rest } = body;
      const Environment = { Variables: untranslated(environment[0].variables) };
      return {
        ...properties(rest),
        Environment,
        LoggingConfig: { LogGroup: untranslated(logging_config[0].log_group) },
      };
    }
    default:
      return properties(body);
  }
}

function tableOf(body: Parsed): Json {
  const {
    name,
    hash_key,
    range_key,
    attribute,
    ttl,
    point_in_time_recovery,
    server_side_encryption,
    ...rest
  } = body;
  const { deletion_protection_enabled, billing_mode, ...unknown } = rest;
  return {
    ...properties(unknown),
    TableName: untranslated(name),
    BillingMode: billing_mode,
    KeySchema: [
      { AttributeName: hash_key, KeyType: "HASH" },
      { AttributeName: range_key, KeyType: "RANGE" },
    ],
    AttributeDefinitions: attribute.map(({ name, type }: Parsed) => ({
      AttributeName: name,
      AttributeType: type,
    })),
    TimeToLiveSpecification: properties(ttl[0]),
    SSESpecification: { SSEEnabled: server_side_encryption[0].enabled },
    Replicas: [
      {
        Region: { Ref: "AWS::Region" },
        DeletionProtectionEnabled: deletion_protection_enabled,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: point_in_time_recovery[0].enabled },
      },
    ],
  };
}

/** The parser makes an array of each block. */
function properties(body: Parsed): Json {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]: [string, Parsed]) => {
      const isBlock = Array.isArray(value) && typeof value[0] === "object" && !("expression" in value[0]);
      return [camel(name), isBlock ? properties(value[0]) : untranslated(value)];
    }),
  );
}

/** With CloudFormation's functions in place of Terraform's references. */
function untranslated(value: Parsed): unknown {
  if (Array.isArray(value)) return value.map(untranslated);
  if (typeof value === "string" && value.includes("${")) {
    const text = value.replace(/\$\{([^}]+)\}/g, (_, code: string) => {
      const { Ref, "Fn::GetAtt": attribute } = referenceOf(code);
      return `\${${Ref ?? attribute?.join(".")}}`;
    });
    const logGroup = /^\$\{(\w+)\.Arn\}:\*$/.exec(text);
    return logGroup ? { "Fn::GetAtt": [logGroup[1], "Arn"] } : { "Fn::Sub": text };
  }
  if (typeof value !== "object" || value === null) return value;
  if ("expression" in value) return referenceOf(value.expression);
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, untranslated(entry)]));
}

function referenceOf(code: string): { Ref?: string; "Fn::GetAtt"?: string[] } {
  const parts = code.split(".");
  if (parts[0] === "var") return { Ref: camel(parts[1] as string) };
  const pseudo: Record<string, string> = {
    account_id: "AccountId",
    partition: "Partition",
    region: "Region",
  };
  if (parts[0] === "data") return { Ref: `AWS::${pseudo[parts.at(-1) as string]}` };
  const [type, name = "", attribute] = parts;
  if (attribute === "arn") return { "Fn::GetAtt": [camel(name), "Arn"] };
  if (type === "aws_sqs_queue" && attribute === "name") return { "Fn::GetAtt": [camel(name), "QueueName"] };
  return { Ref: camel(name) };
}

function camel(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
