import { type DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { TableEncryptionV2 } from "aws-cdk-lib/aws-dynamodb";
import { EventBus } from "aws-cdk-lib/aws-events";
import { Key } from "aws-cdk-lib/aws-kms";
import { expect, inject, test } from "vitest";
import { LeaderChanges, LeaseTable } from "../../lib/index.js";
import { Election } from "../../src/index.js";
import type { CandidateOptions } from "../../src/options.js";
import type { ClientOptions } from "../../src/store/open-store.js";
import { termSortKey } from "../../src/store/schema.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { eventually, newClient, newLeaseTable } from "../support/fixture.js";
import { eventsOf } from "./pipe.js";
import { actionsOf, statementsOf } from "./policies.js";
import { streamRecords } from "./stream.js";
import { newStack, refusal, resources } from "./synth.js";

function changes() {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases", { stream: true });
  new LeaderChanges(stack, "Changes", { table, eventBus: new EventBus(stack, "Bus") });
  return stack;
}

test("the role may read the stream and fill the bus, for this account's pipes", () => {
  const stack = changes();
  expect(statementsOf(stack, "ChangesRole").map((one) => [actionsOf(one), one.Resource])).toEqual([
    [
      ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
      { "Fn::GetAtt": [expect.stringMatching(/^LeasesTable/), "StreamArn"] },
    ],
    [["events:PutEvents"], { "Fn::GetAtt": [expect.stringMatching(/^Bus/), "Arn"] }],
  ]);
  expect(resources(stack, "AWS::IAM::Role").ChangesRole?.Properties).toMatchObject({
    AssumeRolePolicyDocument: { Statement: [{ Principal: { Service: "pipes.amazonaws.com" } }] },
  });
});

test("of a table with a key of one's own the role may use the key", () => {
  const stack = newStack("eu-west-1");
  const encryption = TableEncryptionV2.customerManagedKey(new Key(stack, "Key"));
  const table = new LeaseTable(stack, "Leases", { stream: true, encryption });
  new LeaderChanges(stack, "Changes", { table, eventBus: new EventBus(stack, "Bus") });
  const actions = statementsOf(stack, "ChangesRole").flatMap(actionsOf);
  expect(actions.filter((action) => action.startsWith("kms:"))).toEqual(["kms:Decrypt", "kms:DescribeKey"]);
});

test("a table without a stream: refused", () => {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases");
  const eventBus = new EventBus(stack, "Bus");
  expect(refusal(() => new LeaderChanges(stack, "Changes", { table, eventBus }))).toBe(
    "table: must have a stream; received undefined. Suggestion: new LeaseTable(…, { stream: true }).",
  );
});

test("of all that elections write: an event for each term that begins, and for each that is given back", async () => {
  const client = newClient();
  const tableName = await newLeaseTable(client);
  const candidates: string[] = [];
  const candidate = (options: Partial<ClientOptions & CandidateOptions>) => {
    const election = new Election({ client, tableName, name: "billing", ...options });
    candidates.push(election.candidateId);
    return election;
  };
  const records = await streamRecords(client, tableName, async () => {
    const first = await candidate({ succession: "arrival" }).campaign();
    await first.proclaim("http://10.0.0.7:8080");
    await first.resign();

    await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
    const cutOff = candidate({ client: newClient(proxy.endpoint), leaseDurationMs: 1_500 });
    const second = await cutOff.campaign();
    await eventually(() => hasTerm(client, tableName, 2));
    await second.proclaim("http://10.0.0.8:8080");
    await proxy.close();

    const third = await candidate({ leaseDurationMs: 1_500 }).campaign();
    await eventually(() => hasTerm(client, tableName, 3));
    await third.resign();
  });
  const told = eventsOf(changes(), records).map(({ source, detailType, detail }) => [
    source,
    detailType,
    detail,
  ]);
  const [first, second, third] = candidates;
  const billing = (term: string, leader: string | undefined) => ({ election: "billing", term, leader });
  expect(told).toEqual([
    ["incumbent", "Leader Elected", billing("1", first)],
    ["incumbent", "Leadership Ended", billing("1", first)],
    ["incumbent", "Leader Elected", billing("2", second)],
    ["incumbent", "Leader Elected", billing("3", third)],
    ["incumbent", "Leadership Ended", billing("3", third)],
  ]);
  expect(records.length).toBeGreaterThan(told.length);
});

async function hasTerm(client: DynamoDBClient, TableName: string, term: number): Promise<boolean> {
  const Key = { pk: { S: "billing" }, sk: { S: termSortKey(term) } };
  return (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item !== undefined;
}
