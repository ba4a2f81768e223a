import { EventBus } from "aws-cdk-lib/aws-events";
import { LeaderChanges, LeaseTable } from "../../lib/index.js";
import type { Json } from "../cdk/plain-template.js";
import { newStack, resources } from "../cdk/synth.js";

interface Pipe extends Json {
  readonly Source: unknown;
  readonly Target: unknown;
  readonly RoleArn: unknown;
  readonly SourceParameters: {
    readonly FilterCriteria: { readonly Filters: readonly [{ readonly Pattern: string }] };
  };
}

/** The pipes of `LeaderChanges`, without what only an account knows. The filter is also shown as JSON. */
export function pipes(): Json[] {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases", { stream: true });
  new LeaderChanges(stack, "Changes", { table, eventBus: new EventBus(stack, "Bus") });
  return Object.values(resources(stack, "AWS::Pipes::Pipe")).map(({ Properties }) => {
    const { Description, SourceParameters, TargetParameters } = Properties as Pipe;
    const { DynamoDBStreamParameters, FilterCriteria } = SourceParameters as Json & Pipe["SourceParameters"];
    const { DeadLetterConfig: _, ...stream } = DynamoDBStreamParameters as Json;
    const [{ Pattern }] = FilterCriteria.Filters;
    return {
      Description,
      Filter: JSON.parse(Pattern),
      SourceParameters: { DynamoDBStreamParameters: stream, FilterCriteria },
      TargetParameters,
    };
  });
}
