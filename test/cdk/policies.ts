import type { Stack } from "aws-cdk-lib";
import { resources, withoutHash } from "./synth.js";

export interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

interface PolicyDocument {
  readonly Statement: Statement[];
}

/** Every statement of a stack as a line that people can read, policy by policy. */
export function readablePolicies(stack: Stack): string {
  const blocks: string[] = [];
  for (const [id, { Type, Properties }] of Object.entries(resources(stack))) {
    const lines = documentsOf(Type, Properties).flatMap(({ Statement }) => Statement.map(line));
    if (lines.length > 0)
      blocks.push([`${id} (${Type.replace(/^AWS::/, "")})`, ...lines.sort()].join("\n  "));
  }
  return `${blocks.sort().join("\n\n")}\n`;
}

/** The statements of the policy attached to the only role whose id contains `name`. */
export function statementsOf(stack: Stack, name: string): Statement[] {
  return Object.entries(resources(stack))
    .filter(([id, { Type }]) => id.includes(name) && /^AWS::IAM::(Managed)?Policy$/.test(Type))
    .flatMap(([, { Type, Properties }]) => documentsOf(Type, Properties))
    .flatMap(({ Statement }) => Statement);
}

export function actionsOf({ Action }: Statement): string[] {
  return [Action].flat();
}

function documentsOf(type: string, properties: Record<string, unknown> = {}): PolicyDocument[] {
  if (type === "AWS::IAM::Role") return [properties.AssumeRolePolicyDocument as PolicyDocument];
  const document = properties.PolicyDocument as PolicyDocument | undefined;
  return document?.Statement ? [document] : [];
}

function line({ Effect, Action, Resource, Principal, Condition }: Statement): string {
  const conditions = Object.entries(Condition ?? {}).flatMap(([operator, pairs]) =>
    Object.entries(pairs).map(([key, value]) => `${key} ${operator} ${readable(value)}`),
  );
  return [
    `${Effect} ${[Action].flat().join(", ")}`,
    Resource === undefined ? "" : ` on ${[Resource].flat().map(readable).join(", ")}`,
    Principal === undefined ? "" : ` to ${readable(Principal)}`,
    conditions.length > 0 ? ` if ${conditions.join(" and ")}` : "",
  ].join("");
}

/** CloudFormation's functions as people would write them. */
export function readable(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(readable).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const [[name, inner] = ["", undefined]] = Object.entries(value);
  if (name === "Ref") return `{${withoutHash(String(inner))}}`;
  if (name === "Fn::GetAtt") return `{${(inner as string[]).map(withoutHash).join(".")}}`;
  if (name === "Fn::Join") return (inner as [string, unknown[]])[1].map(readable).join("");
  return Object.entries(value)
    .map(([key, one]) => `${key} ${readable(one)}`)
    .join(", ");
}
