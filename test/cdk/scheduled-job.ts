import { fileURLToPath } from "node:url";
import { Duration, type Stack } from "aws-cdk-lib";
import { Code, type FunctionProps, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { LeaseTable, ScheduledLeader, type ScheduledLeaderProps } from "../../lib/index.js";
import { only } from "./synth.js";

/** A scheduled job on a stack, and what its function is told. */

export const entry = fileURLToPath(new URL("../../examples/scheduled-job.ts", import.meta.url));
export const everyMinute = ScheduleExpression.rate(Duration.minutes(1));

export function leader(stack: Stack, props: Partial<ScheduledLeaderProps> = {}): ScheduledLeader {
  const table = new LeaseTable(stack, "Leases");
  const given = props.function ? props : { entry, ...props };
  return new ScheduledLeader(stack, "Nightly", {
    table,
    election: "reports/daily",
    schedule: everyMinute,
    ...given,
  });
}

export function ownFunction(stack: Stack, props: Partial<FunctionProps> = {}): LambdaFunction {
  const code = Code.fromInline("exports.handler = async () => {};");
  return new LambdaFunction(stack, "Own", {
    runtime: Runtime.NODEJS_24_X,
    handler: "index.handler",
    code,
    ...props,
  });
}

export function environment(stack: Stack): Record<string, unknown> {
  const { Environment } = only(stack, "AWS::Lambda::Function").Properties;
  return (Environment as { Variables: Record<string, unknown> }).Variables;
}
