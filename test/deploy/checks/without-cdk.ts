import { isDeepStrictEqual } from "node:util";
import type { Json, Plain } from "../../cdk/plain-template.js";
import { resourcesOf } from "../../without-cdk/read-terraform.js";
import { StepFailure } from "../steps.js";

/** What `read_plain.py` prints. */
export interface ReadPlain {
  readonly terraform: Readonly<Record<string, unknown>>;
  readonly sam: Readonly<Record<string, Plain>>;
}

/** Each resource, field by field. Throws `StepFailure`. */
export function sameAsTemplates(read: ReadPlain, template: (name: string) => Plain): { found: string } {
  const terraform = Object.entries(read.terraform).map(([name, parsed]) => {
    const expected = mapped(
      template(name).Resources,
      ({ Type, Properties, DependsOn, DeletionPolicy, UpdateReplacePolicy }) => {
        // Terraform deletes what it does not keep, and the code is a local file there.
        const { Code, PolicyName, ...properties } = Properties as Json;
        const kept = DeletionPolicy === "Retain" && { DeletionPolicy, UpdateReplacePolicy };
        return { Type, Properties: properties, ...(DependsOn !== undefined && { DependsOn }), ...kept };
      },
    );
    return same(`${name}.tf`, resourcesOf(parsed), expected);
  });
  const sam = Object.entries(read.sam).map(([name, { Resources }]) => {
    const { JobFunctionSchedule, ...others } = mapped(Resources, ({ Metadata, ...resource }) => {
      const { Code, Tags, ...properties } = resource.Properties as Json;
      return { ...resource, Properties: properties };
    });
    const expected = mapped(template(name).Resources, (resource) => {
      const { Code, ...properties } = resource.Properties as Json;
      return { ...resource, Properties: properties };
    });
    return same(`${name}.sam.yaml`, { ...others, JobSchedule: JobFunctionSchedule }, expected);
  });
  return { found: [...terraform, ...sam].join(", ") };
}

function mapped(resources: Plain["Resources"], change: (resource: Json) => Json): Record<string, Json> {
  return Object.fromEntries(Object.entries(resources).map(([id, resource]) => [id, change(resource)]));
}

function same(file: string, is: Record<string, unknown>, must: Record<string, unknown>): string {
  const ids = new Set([...Object.keys(is), ...Object.keys(must)]);
  const different = [...ids].filter((id) => !isDeepStrictEqual(is[id], must[id]));
  if (different.length > 0) {
    const shown = different.map(
      (id) => `${id} is ${JSON.stringify(is[id])}, must be ${JSON.stringify(must[id])}`,
    );
    throw new StepFailure(`${file} says other than its template:\n${shown.join("\n")}`);
  }
  return `${ids.size} resources in ${file}`;
}
