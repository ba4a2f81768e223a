import { CloudFormationClient, DescribeStackResourcesCommand } from "@aws-sdk/client-cloudformation";
import type { Template, TemplateResource } from "./cdk.js";
import { CREDENTIALS, REGION } from "./environment.js";
import { StepFailure } from "./steps.js";

export interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: typeof CREDENTIALS;
}

export function clientConfig(endpoint: string): ClientConfig {
  return { endpoint, region: REGION, credentials: CREDENTIALS };
}

export interface Resource extends TemplateResource {
  readonly logicalId: string;
  /** What the emulator calls it. */
  readonly physicalId: string;
}

/** A deployed stack: its template, and what became of each resource in it. */
export class Deployed {
  private constructor(
    readonly config: ClientConfig,
    readonly template: Template,
    readonly outputs: Readonly<Record<string, string>>,
    private readonly physicalIds: ReadonlyMap<string, string>,
  ) {}

  static async read(
    stack: string,
    endpoint: string,
    template: Template,
    outputs: Readonly<Record<string, string>>,
  ): Promise<Deployed> {
    const client = new CloudFormationClient(clientConfig(endpoint));
    const { StackResources = [] } = await client.send(
      new DescribeStackResourcesCommand({ StackName: stack }),
    );
    const ids = StackResources.flatMap(({ LogicalResourceId: logical, PhysicalResourceId: physical }) =>
      logical && physical ? [[logical, physical] as const] : [],
    );
    return new Deployed(clientConfig(endpoint), template, outputs, new Map(ids));
  }

  /** All resources of a type. Throws `StepFailure` if one of them was not made. */
  all(type: string): Resource[] {
    return Object.entries(this.template.Resources)
      .filter(([, { Type }]) => Type === type)
      .map(([logicalId, resource]) => {
        const physicalId = this.physicalIds.get(logicalId);
        if (physicalId === undefined)
          throw new StepFailure(`${type} ${logicalId} is in the template but was not made`);
        return { ...resource, logicalId, physicalId };
      });
  }

  one(type: string): Resource {
    const [found, ...others] = this.all(type);
    if (found && others.length === 0) return found;
    throw new StepFailure(`the stack must have one ${type}; it has ${found ? others.length + 1 : 0}`);
  }
}

/** Throws `StepFailure` unless both are the same by their JSON. */
export function same(what: string, actual: unknown, expected: unknown): void {
  const [is, must] = [actual, expected].map((value) => JSON.stringify(value) ?? "nothing");
  if (is !== must) throw new StepFailure(`${what} must be ${must}, is ${is}`);
}

export function holds(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new StepFailure(otherwise);
}
