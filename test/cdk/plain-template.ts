import { CfnParameter, type Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { withoutHash } from "./synth.js";

/** A stack as a template for people without CDK: with readable names, and without what only CDK needs. */

export type Json = Record<string, unknown>;
export interface Plain {
  readonly AWSTemplateFormatVersion: string;
  readonly Description: string;
  readonly Parameters: Json;
  readonly Conditions?: Json;
  readonly Resources: Record<string, Json>;
  readonly Outputs?: Json;
}

export function parameter(stack: Stack) {
  return (id: string, description: string, otherwise?: string) =>
    new CfnParameter(stack, id, { description, ...(otherwise !== undefined && { default: otherwise }) });
}

export function plainOf(stack: Stack, Description: string): Plain {
  const { Parameters, Resources } = Template.fromStack(stack).toJSON() as Plain;
  const { BootstrapVersion: _, ...parameters } = Parameters;
  const ids = new Map(Object.keys(Resources).map((id) => [id, withoutHash(id).replace(/^Monitor(?=.)/, "")]));
  if (new Set(ids.values()).size < ids.size) throw new Error("two resources have one name");
  const renamed = Object.entries(Resources).map(([id, { Metadata: _, ...resource }]): [string, Json] => [
    ids.get(id) as string,
    withoutNeedless(rewritten(resource, ids) as Json),
  ]);
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description,
    Parameters: parameters,
    Resources: Object.fromEntries(renamed),
  };
}

/** Without dependencies that a reference says already. */
function withoutNeedless({ DependsOn, ...resource }: Json): Json {
  if (!Array.isArray(DependsOn)) return resource;
  const text = JSON.stringify(resource);
  return { ...resource, DependsOn: DependsOn.filter((id) => !text.includes(`"${id}"`)) };
}

/** With readable ids, and with Fn::Sub in place of Fn::Join. */
function rewritten(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((entry) => rewritten(entry, ids));
  if (typeof value === "string") return ids.get(value) ?? value;
  if (typeof value !== "object" || value === null) return value;
  const object = value as Json;
  const join = object["Fn::Join"];
  if (Array.isArray(join) && join[0] === "" && Array.isArray(join[1])) {
    return { "Fn::Sub": join[1].map((part) => textOf(rewritten(part, ids))).join("") };
  }
  return Object.fromEntries(Object.entries(object).map(([name, entry]) => [name, rewritten(entry, ids)]));
}

function textOf(part: unknown): string {
  if (typeof part === "string") return part.replaceAll("${", "${!");
  const { Ref, "Fn::GetAtt": attribute } = part as { Ref?: string; "Fn::GetAtt"?: readonly string[] };
  const name = Ref ?? attribute?.join(".");
  if (name === undefined) throw new Error(`not a part of a text that is known: ${JSON.stringify(part)}`);
  return `\${${name}}`;
}
