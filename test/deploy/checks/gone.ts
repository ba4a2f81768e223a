import { CloudWatchClient, DescribeAlarmsCommand, ListDashboardsCommand } from "@aws-sdk/client-cloudwatch";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { ListSchedulesCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { type Deployed, same } from "../deployed.js";

/** After `cdk destroy`: nothing that runs, costs or wakes somebody. */
export async function isGone({ config }: Deployed): Promise<{ found: string }> {
  const { Functions } = await new LambdaClient(config).send(new ListFunctionsCommand({}));
  const { Schedules } = await new SchedulerClient(config).send(new ListSchedulesCommand({}));
  const watch = new CloudWatchClient(config);
  const { MetricAlarms } = await watch.send(new DescribeAlarmsCommand({}));
  const { DashboardEntries } = await watch.send(new ListDashboardsCommand({}));
  const left = { Functions, Schedules, MetricAlarms, DashboardEntries };
  for (const [what, entries = []] of Object.entries(left)) same(what, entries, []);
  return { found: "no function, schedule, alarm or dashboard" };
}
