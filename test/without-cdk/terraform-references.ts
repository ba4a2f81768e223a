import type { Plain } from "../cdk/plain-template.js";
import { Expression } from "./hcl.js";
import { snake, TYPES } from "./terraform-types.js";

/** What CloudFormation's functions refer to, in Terraform. */

const PSEUDO: Record<string, string> = {
  "AWS::AccountId": "data.aws_caller_identity.current.account_id",
  "AWS::Partition": "data.aws_partition.current.partition",
  "AWS::Region": "data.aws_region.current.region",
};

/** What `Ref` says of a resource of a type, by Terraform's attributes. */
const IDENTITY: Record<string, string> = {
  "AWS::DynamoDB::GlobalTable": "name",
  "AWS::IAM::Role": "name",
  "AWS::Lambda::Function": "function_name",
  "AWS::Logs::LogGroup": "name",
  "AWS::SQS::Queue": "url",
};
const ATTRIBUTES: Record<string, string> = { Arn: "arn", QueueName: "name" };

export function isFunction(value: object): value is Record<string, unknown> {
  const [name, ...others] = Object.keys(value);
  return others.length === 0 && (name === "Ref" || name?.startsWith("Fn::") === true);
}

/** @param value `{ Ref }` or `{ "Fn::GetAtt": [id, attribute] }` */
export function referenceTo(value: Record<string, unknown>, all: Plain["Resources"]): Expression | string {
  const [id, attribute] = (value["Fn::GetAtt"] ?? [value.Ref]) as [string, string?];
  return reference(id, attribute, all);
}

/** `${Name}` and `${Name.Attribute}` are replaced by Terraform's references. */
export function filled(text: string, all: Plain["Resources"]): string {
  return text.replace(/\$\{([\w:]+)(?:\.(\w+))?\}/g, (_, id: string, attribute?: string) => {
    const to = reference(id, attribute, all);
    return to instanceof Expression ? `\${${to.code}}` : to;
  });
}

function reference(id: string, attribute: string | undefined, all: Plain["Resources"]): Expression | string {
  const type = all[id]?.Type as string | undefined;
  if (type === undefined) return new Expression(PSEUDO[id] ?? `var.${snake(id)}`);
  const name = attribute === undefined ? IDENTITY[type] : ATTRIBUTES[attribute];
  if (name === undefined)
    throw new Error(`no attribute of Terraform is known for ${type} ${attribute ?? "Ref"}`);
  const code = `${TYPES[type]}.${snake(id)}.${name}`;
  // CloudFormation's ARN of a log group ends with a star, Terraform's does not.
  return type === "AWS::Logs::LogGroup" && attribute === "Arn" ? `\${${code}}:*` : new Expression(code);
}
