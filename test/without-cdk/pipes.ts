import type { Json, Plain } from "../cdk/plain-template.js";

interface Parameters {
  readonly SourceParameters: Json & {
    readonly FilterCriteria: { readonly Filters: readonly [{ readonly Pattern: string }] };
  };
  readonly TargetParameters: Json & {
    readonly EventBridgeEventBusParameters: { readonly DetailType: string; readonly Source: string };
    readonly InputTemplate: string;
  };
}

/** What each pipe passes, and what it makes of that, for people who write their pipes with another tool. */
export function pipesOf({ Resources }: Plain): Json[] {
  return Object.values(Resources)
    .filter(({ Type }) => Type === "AWS::Pipes::Pipe")
    .map(({ Properties }) => {
      const { SourceParameters, TargetParameters } = Properties as Parameters;
      const [{ Pattern }] = SourceParameters.FilterCriteria.Filters;
      const { DetailType, Source } = TargetParameters.EventBridgeEventBusParameters;
      return {
        Source,
        DetailType,
        Pattern: JSON.parse(Pattern),
        InputTemplate: TargetParameters.InputTemplate,
      };
    });
}
