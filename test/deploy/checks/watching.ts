import { CloudWatchClient, DescribeAlarmsCommand, GetDashboardCommand } from "@aws-sdk/client-cloudwatch";
import { type Deployed, holds, same } from "../deployed.js";

export async function dashboard(deployed: Deployed): Promise<{ found: string }> {
  const { physicalId: DashboardName } = deployed.one("AWS::CloudWatch::Dashboard");
  const { DashboardBody = "" } = await new CloudWatchClient(deployed.config).send(
    new GetDashboardCommand({ DashboardName }),
  );
  const { widgets } = JSON.parse(DashboardBody) as { widgets: unknown[] };
  holds(widgets.length > 0, "the dashboard must have widgets");
  for (const metric of ["SecondsWithoutLeader", "LeaseAgeMs", "TermsPerHour"]) {
    holds(DashboardBody.includes(metric), `the dashboard must show ${metric}`);
  }
  holds(
    DashboardBody.includes(deployed.outputs.TableName ?? ""),
    "the dashboard must show the deployed table",
  );
  return { found: `${widgets.length} widgets` };
}

export async function alarms(deployed: Deployed): Promise<{ found: string }> {
  const expected = deployed.all("AWS::CloudWatch::Alarm");
  holds(expected.length > 0, "the stack must have alarms");
  const { MetricAlarms = [] } = await new CloudWatchClient(deployed.config).send(
    new DescribeAlarmsCommand({ AlarmNames: expected.map(({ physicalId }) => physicalId), MaxRecords: 100 }),
  );
  same("the number of alarms", MetricAlarms.length, expected.length);
  for (const { physicalId, Properties } of expected) {
    const alarm = MetricAlarms.find(({ AlarmName }) => AlarmName === physicalId);
    same(`${physicalId}: the metric`, alarm?.MetricName, Properties.MetricName);
    same(`${physicalId}: the threshold`, alarm?.Threshold, Properties.Threshold);
    same(`${physicalId}: missing data`, alarm?.TreatMissingData, Properties.TreatMissingData);
    holds((alarm?.AlarmActions ?? []).length > 0, `${physicalId}: tells nobody`);
  }
  return { found: `${expected.length}, each tells the topic` };
}
