import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { Election, TableError } from "../../src/index.js";
import { candidatesPartition } from "../../src/store/schema.js";
import { meter } from "./meter.js";
import { type PartResult, result, type Stage, skipped } from "./part.js";
import { POLICY_ELECTION } from "./policy.js";
import { failureOf } from "./recorder.js";

const PART = "policies";
const OTHER = "verify/policy-other";

/** A candidate with the least rights: what it must be able to do, and what IAM must refuse it. */
export async function policies(stage: Stage, profile: string | undefined): Promise<PartResult> {
  if (profile === undefined) {
    return skipped(PART, "No candidate's role was given. docs/verify-aws.md says how: --candidate-profile.");
  }
  const { tableName, connection, signal, progress } = stage;
  if (!stage.ownTable)
    return skipped(PART, "A candidate's policy is for tables of these runs, and --table named another one.");
  const { credentials: _, ...where } = connection;
  const client = new DynamoDBClient({ ...where, profile });
  meter(client, stage.used);
  const violations: string[] = [];
  progress("what a candidate may do");
  try {
    await useAll(client, tableName, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TableError)) throw error;
    if (error.problem !== "access-denied") throw error;
    violations.push(`A candidate was refused what it needs: ${error.message}`);
  }
  progress("what a candidate may not do");
  let refused = 0;
  for (const [what, send] of forbidden(client, tableName)) {
    const error = await send().then(
      () => undefined,
      (error: unknown) => failureOf(error).error,
    );
    signal.throwIfAborted();
    if (error === "AccessDeniedException") refused += 1;
    else violations.push(`${what}: ${error ?? "it was allowed"}, expected AccessDeniedException.`);
  }
  const stranger = new Election({ client, tableName, name: OTHER, label: "verify" });
  const error = await stranger.tryCampaign({ signal }).then(
    () => undefined,
    (error: unknown) => error,
  );
  const isTold = error instanceof TableError && error.problem === "access-denied";
  if (!isTold)
    violations.push(
      "An election that the policy does not name did not end with a TableError, access-denied.",
    );
  else if (!/dynamodb:\w+/.test(error.message))
    violations.push("The TableError does not name the action to allow.");
  const summary = `A whole election under the candidate's policy, and ${refused} requests that IAM refused.`;
  return result(PART, summary, violations);
}

/** Each right of the policy is used. */
async function useAll(client: DynamoDBClient, tableName: string, signal: AbortSignal): Promise<void> {
  const election = new Election({
    ...{ client, tableName, name: POLICY_ELECTION, label: "verify", succession: "arrival" },
    leaseDurationMs: 15_000,
  });
  const leadership = await election.campaign({ signal });
  try {
    const Key = { pk: { S: POLICY_ELECTION }, sk: { S: "verify" } };
    await leadership.transact([
      {
        Update: {
          TableName: tableName,
          Key,
          UpdateExpression: "SET done = :yes",
          ExpressionAttributeValues: { ":yes": { BOOL: true } },
        },
      },
    ]);
    await election.candidates({ signal });
    await election.history({ signal });
  } finally {
    await leadership.resign();
  }
}

function forbidden(
  client: DynamoDBClient,
  TableName: string,
): [what: string, send: () => Promise<unknown>][] {
  const lease = (name: string) => ({ TableName, Key: { pk: { S: name }, sk: { S: "lease" } } });
  const changed = (name: string) => ({ ...lease(name), UpdateExpression: "REMOVE nothing" });
  const queried = (name: string) => ({
    ...{ TableName, KeyConditionExpression: "pk = :pk" },
    ExpressionAttributeValues: { ":pk": { S: name } },
  });
  const transacted = (TransactItems: object[]) =>
    new TransactWriteItemsCommand({ TransactItems } as ConstructorParameters<
      typeof TransactWriteItemsCommand
    >[0]);
  return [
    ["Reading another election's lease", () => client.send(new GetItemCommand(lease(OTHER)))],
    ["Changing another election's lease", () => client.send(new UpdateItemCommand(changed(OTHER)))],
    ["Reading another election's history", () => client.send(new QueryCommand(queried(OTHER)))],
    [
      "Reading another election's candidates",
      () => client.send(new QueryCommand(queried(candidatesPartition(OTHER)))),
    ],
    ["Deleting the own lease", () => client.send(new DeleteItemCommand(lease(POLICY_ELECTION)))],
    [
      "Replacing the own lease",
      () => client.send(new PutItemCommand({ TableName, Item: lease(POLICY_ELECTION).Key })),
    ],
    ["Scanning the table", () => client.send(new ScanCommand({ TableName, Limit: 1 }))],
    [
      "A transaction that touches another election",
      () => client.send(transacted([{ Update: changed(POLICY_ELECTION) }, { Update: changed(OTHER) }])),
    ],
  ];
}
