import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { Election } from "../../../src/index.js";
import { type ClientConfig, type Deployed, holds, same } from "../deployed.js";

export async function table(deployed: Deployed): Promise<{ found: string }> {
  const { physicalId: TableName } = deployed.one("AWS::DynamoDB::GlobalTable");
  const { found, arn } = await tableOf(deployed.config, TableName);
  same("the output TableName", deployed.outputs.TableName, TableName);
  same("the output TableArn", deployed.outputs.TableArn, arn);
  return { found };
}

/** A lease table, whoever made it. */
export async function tableOf(
  config: ClientConfig,
  TableName: string,
): Promise<{ found: string; arn: string | undefined }> {
  const client = new DynamoDBClient(config);
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  holds(Table !== undefined, `table ${TableName} is not there`);
  const keys = Table.KeySchema?.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`);
  same("the key", keys, ["pk HASH", "sk RANGE"]);
  same("the billing mode", Table.BillingModeSummary?.BillingMode, "PAY_PER_REQUEST");
  same("deletion protection", Table.DeletionProtectionEnabled, true);
  const { ContinuousBackupsDescription: backups } = await client.send(
    new DescribeContinuousBackupsCommand({ TableName }),
  );
  const recovery = backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus;
  same("point-in-time recovery", recovery, "ENABLED");
  return {
    found: `${TableName}, pk and sk, on demand, protected, point-in-time recovery`,
    arn: Table.TableArn,
  };
}

export async function timeToLive(deployed: Deployed): Promise<{ found: string }> {
  return timeToLiveOf(deployed.config, deployed.one("AWS::DynamoDB::GlobalTable").physicalId);
}

export async function timeToLiveOf(config: ClientConfig, TableName: string): Promise<{ found: string }> {
  const { TimeToLiveDescription: ttl } = await new DynamoDBClient(config).send(
    new DescribeTimeToLiveCommand({ TableName }),
  );
  same("the time to live", [ttl?.AttributeName, ttl?.TimeToLiveStatus], ["ttl", "ENABLED"]);
  return { found: "on ttl, which no lease row carries" };
}

/** The library on the table as it was deployed: its keys are the ones that the library asks for. */
export async function leads(config: ClientConfig, tableName: string): Promise<{ found: string }> {
  const client = new DynamoDBClient(config);
  const candidate = () => new Election({ client, tableName, name: "deploy/check" });
  const leadership = await candidate().tryCampaign();
  holds(leadership !== undefined, "nobody could be elected on the deployed table");
  same("a second candidate", await candidate().tryCampaign(), undefined);
  same("the outcome of resign()", await leadership.resign(), "released");
  return { found: `term ${leadership.term} was held by one, refused to another, given back` };
}

/** After the stack is gone. */
export async function isRetained(config: ClientConfig, TableName: string): Promise<{ found: string }> {
  const { Table } = await new DynamoDBClient(config).send(new DescribeTableCommand({ TableName }));
  same("the retained table", Table?.TableStatus, "ACTIVE");
  return leads(config, TableName);
}
