import { GetFunctionConfigurationCommand, LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { GetScheduleCommand, ListSchedulesCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { type ClientConfig, holds, same } from "../deployed.js";

/** The job of `job.template.json`, as the only one of the account. Its input is docs/without-cdk/schedule-input.json. */
export async function plainJob(config: ClientConfig, input: unknown): Promise<{ found: string }> {
  const lambda = new LambdaClient(config);
  const { Functions: [made, ...others] = [] } = await lambda.send(new ListFunctionsCommand({}));
  holds(made !== undefined && others.length === 0, "the stack must have one function");
  const { Environment, FunctionArn } = await lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: made.FunctionName }),
  );
  const { NODE_OPTIONS: _, ...variables } = Environment?.Variables ?? {};
  const expected = {
    INCUMBENT_TABLE: "incumbent",
    INCUMBENT_ELECTION: "reports/daily",
    INCUMBENT_ONCE: "tick",
  };
  same("the variables", variables, expected);

  const scheduler = new SchedulerClient(config);
  const { Schedules: [listed] = [] } = await scheduler.send(new ListSchedulesCommand({}));
  const schedule = await scheduler.send(new GetScheduleCommand({ Name: listed?.Name }));
  const { ScheduleExpression, ScheduleExpressionTimezone, Target } = schedule;
  same(
    "the schedule",
    [ScheduleExpression, ScheduleExpressionTimezone],
    ["cron(0 3 * * ? *)", "Europe/Berlin"],
  );
  same("its target", Target?.Arn, FunctionArn);
  same("its input", JSON.parse(Target?.Input ?? "null"), input);
  return { found: `${made.FunctionName} on ${ScheduleExpression} ${ScheduleExpressionTimezone}` };
}
