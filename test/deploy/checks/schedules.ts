import { GetFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { type Deployed, holds, same } from "../deployed.js";

/** What the handler takes for its tick, filled in by the scheduler at each delivery. */
const INPUT = {
  scheduledTime: "<aws.scheduler.scheduled-time>",
  executionId: "<aws.scheduler.execution-id>",
  attempt: "<aws.scheduler.attempt-number>",
};

export async function schedules(deployed: Deployed): Promise<{ found: string }> {
  const made = deployed.all("AWS::Scheduler::Schedule");
  holds(made.length > 0, "the stack must have a schedule");
  const arns = await functionArns(deployed);
  const found = [];
  for (const { physicalId: Name, Properties: expected } of made) {
    const schedule = await new SchedulerClient(deployed.config).send(new GetScheduleCommand({ Name }));
    same(`${Name}: the schedule`, schedule.ScheduleExpression, expected.ScheduleExpression);
    same(`${Name}: the time zone`, schedule.ScheduleExpressionTimezone, expected.ScheduleExpressionTimezone);
    same(`${Name}: the flexible window`, schedule.FlexibleTimeWindow?.Mode, "OFF");
    same(`${Name}: the state`, schedule.State, "ENABLED");
    same(`${Name}: the input`, JSON.parse(schedule.Target?.Input ?? "null"), INPUT);
    holds(
      arns.has(schedule.Target?.Arn ?? ""),
      `${Name}: calls ${schedule.Target?.Arn}, which is no function here`,
    );
    same(`${Name}: the retries`, schedule.Target?.RetryPolicy, expected.Target.RetryPolicy);
    found.push(`${schedule.ScheduleExpression} ${schedule.ScheduleExpressionTimezone}`);
  }
  return { found: found.join("; ") };
}

async function functionArns(deployed: Deployed): Promise<Set<string>> {
  const client = new LambdaClient(deployed.config);
  const answers = await Promise.all(
    deployed
      .all("AWS::Lambda::Function")
      .map(({ physicalId: FunctionName }) => client.send(new GetFunctionCommand({ FunctionName }))),
  );
  return new Set(answers.map(({ Configuration }) => Configuration?.FunctionArn ?? ""));
}
