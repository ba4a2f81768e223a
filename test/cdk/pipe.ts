import type { Stack } from "aws-cdk-lib";
import type { StreamRecord } from "./stream.js";
import { resources } from "./synth.js";

export interface BusEvent {
  readonly source: string;
  readonly detailType: string;
  /** As in the template: the table's ARN is only known at deployment. */
  readonly resources: unknown;
  readonly detail: unknown;
}

interface PipeProperties {
  readonly SourceParameters: {
    readonly FilterCriteria: { readonly Filters: { readonly Pattern: string }[] };
  };
  readonly TargetParameters: {
    readonly EventBridgeEventBusParameters: {
      readonly Source: string;
      readonly DetailType: string;
      readonly Resources: unknown;
    };
    readonly InputTemplate: string;
  };
}

/** What the pipes of a stack make of these records, by EventBridge's rules as far as they are used here. */
export function eventsOf(stack: Stack, records: readonly StreamRecord[]): BusEvent[] {
  const pipes = Object.values(resources(stack, "AWS::Pipes::Pipe")).map(
    ({ Properties }) => Properties as unknown as PipeProperties,
  );
  return records.flatMap((record) =>
    pipes.flatMap(({ SourceParameters, TargetParameters }) => {
      const { Filters } = SourceParameters.FilterCriteria;
      if (!Filters.some(({ Pattern }) => matches(JSON.parse(Pattern), record))) return [];
      const {
        Source: source,
        DetailType: detailType,
        Resources: resources,
      } = TargetParameters.EventBridgeEventBusParameters;
      return [{ source, detailType, resources, detail: fill(TargetParameters.InputTemplate, record) }];
    }),
  );
}

type Pattern = { [field: string]: Pattern } | unknown[];

function matches(pattern: Pattern, value: unknown): boolean {
  if (Array.isArray(pattern)) return pattern.some((one) => matchesLeaf(one, value));
  return Object.entries(pattern).every(([field, inner]) =>
    matches(inner, (value as Record<string, unknown> | undefined)?.[field]),
  );
}

function matchesLeaf(rule: unknown, value: unknown): boolean {
  if (typeof rule === "string") return value === rule;
  const [[name, argument] = ["", undefined]] = Object.entries(rule as object);
  if (name === "exists") return (value !== undefined) === argument;
  if (name === "prefix") return typeof value === "string" && value.startsWith(String(argument));
  throw new Error(`no rule of EventBridge known as ${name}`);
}

/** A path that leads nowhere is an error here: what EventBridge does then is not documented. */
function fill(template: string, record: StreamRecord): unknown {
  const filled = template.replace(/<\$\.([^>]+)>/g, (_, path: string) => {
    const found = path
      .split(".")
      .reduce<unknown>((at, step) => (at as Record<string, unknown>)?.[step], record);
    if (found === undefined) throw new Error(`no ${path} in ${JSON.stringify(record)}`);
    return JSON.stringify(found);
  });
  return JSON.parse(filled);
}
