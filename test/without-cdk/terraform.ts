import type { Json, Plain } from "../cdk/plain-template.js";
import { Block, blockText, Expression } from "./hcl.js";
import { filled, isFunction, referenceTo } from "./terraform-references.js";
import { BODIES, snake, TYPES } from "./terraform-types.js";

/** A CloudFormation template as Terraform. */
export function terraformOf({ Parameters, Resources, Outputs = {} }: Plain, comment: string): string {
  const own = Object.keys(Resources).some((id) => Resources[id]?.Type === "AWS::Lambda::Function");
  const variables = Object.entries(Parameters as Record<string, Json>)
    .filter(([id]) => id !== "CodeBucket" && id !== "CodeKey")
    .map(([id, parameter]) => variableOf(snake(id), parameter));
  if (own) {
    variables.push(
      variable("name", "The names of the function and of the alarms begin with it", "reports-daily"),
    );
    variables.push(variable("code", "The zip file of the folder with the job's index.mjs", "job.zip"));
  }
  const resources = Object.entries(Resources).map(([id, resource]) => resourceText(id, resource, Resources));
  const outputs = Object.entries(Outputs as Record<string, { Value: unknown }>).map(([id, { Value }]) =>
    blockText(`output "${snake(id)}"`, { value: converted(Value, Resources) }),
  );
  const text = [...variables, ...resources, ...outputs].join("\n");
  const data = ["aws_caller_identity", "aws_partition", "aws_region"]
    .filter((name) => text.includes(`data.${name}.`))
    .map((name) => `data "${name}" "current" {}\n`);
  return [`# ${comment}\n`, REQUIRED, ...data, text].join("\n");
}

const REQUIRED = blockText("terraform", {
  required_providers: new Block({
    aws: { source: "hashicorp/aws", version: ">= 6.0" },
  }),
});

function variable(name: string, description: string, otherwise: unknown, more: Json = {}): string {
  const optional = otherwise === undefined ? {} : { default: otherwise };
  return blockText(`variable "${name}"`, {
    type: new Expression("string"),
    description,
    ...optional,
    ...more,
  });
}

function variableOf(
  name: string,
  { Description, Default, AllowedPattern, ConstraintDescription }: Json,
): string {
  const condition = new Expression(`can(regex(${JSON.stringify(AllowedPattern)}, var.${name}))`);
  const message = `The ${name} ${ConstraintDescription}.`;
  return variable(name, Description as string, Default, {
    ...(AllowedPattern !== undefined && { validation: new Block({ condition, error_message: message }) }),
  });
}

function resourceText(id: string, resource: Json, all: Plain["Resources"]): string {
  const { Type, Properties, DependsOn, DeletionPolicy } = resource as {
    Type: string;
    Properties: Json;
    DependsOn?: string[];
    DeletionPolicy?: string;
  };
  const shape = BODIES[Type];
  if (shape === undefined) throw new Error(`test/without-cdk/terraform-types.ts does not know ${Type}`);
  const body = shape(converted(Properties, all) as Json, snake(id));
  const after = DependsOn?.map(
    (other) => new Expression(`${TYPES[all[other]?.Type as string]}.${snake(other)}`),
  );
  const kept = DeletionPolicy === "Retain" ? { lifecycle: new Block({ prevent_destroy: true }) } : {};
  return blockText(`resource "${TYPES[Type]}" "${snake(id)}"`, {
    ...body,
    ...(after && { depends_on: after }),
    ...kept,
  });
}

/** With Terraform's references in place of CloudFormation's functions. */
function converted(value: unknown, all: Plain["Resources"]): unknown {
  if (Array.isArray(value)) return value.map((entry) => converted(entry, all));
  if (typeof value !== "object" || value === null) return value;
  if (isFunction(value)) {
    if ("Fn::Sub" in value) return filled(value["Fn::Sub"] as string, all);
    return referenceTo(value, all);
  }
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, converted(entry, all)]));
}
