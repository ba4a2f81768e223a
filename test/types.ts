/** Checked by `npm run typecheck`, never run: what users may and may not write. */
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument, DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { Election, type Leader, type Leadership, type ResignOutcome, type RunOnceResult } from "incumbent";
import { MemoryTable } from "incumbent/testing";

function same<Expected>(_value: Expected): void {}
const name = "billing/nightly";
const client = new DynamoDBClient({});
const documents = DynamoDBDocumentClient.from(client);

export async function promises(): Promise<void> {
  const election = new Election({ client, name });
  same<Election>(new Election({ client: documents, name }));
  same<Election>(new Election({ client: DynamoDBDocument.from(client), name }));
  same<Election>(new Election({ store: new MemoryTable(), name }));

  same<number | undefined>(await election.lead(async () => 7));
  same<Leadership>(await election.campaign({ signal: AbortSignal.timeout(1) }));
  same<Leadership | undefined>(await election.attempt());
  same<RunOnceResult<string>>(await election.runOnce("2026-01-31", ({ election: of }) => of));
  same<Leader | undefined>(await election.leader());
  for await (const leader of election.observe()) same<number | undefined>(leader?.term);

  await using leadership = await election.campaign();
  same<ResignOutcome>(await leadership.resign());
  same<number>(leadership.term);
  // What guard returns goes where what it was given went.
  await client.send(new PutItemCommand(leadership.guard({ TableName: "t", Item: { id: { S: "1" } } })));
  await documents.send(new PutCommand(leadership.guard({ TableName: "t", Item: { id: "1" } })));
  await leadership.transact([{ Put: { TableName: "t", Item: { id: "1" } } }]);
  await leadership.transact([{ Delete: { TableName: "t", Key: { id: { S: "1" } } } }]);
}

export async function refusals(election: Election, leadership: Leadership): Promise<void> {
  // @ts-expect-error an election has a name
  new Election({ client });
  // @ts-expect-error a term is not to be set
  leadership.term = 7;
  // @ts-expect-error durations have their unit in their name
  new Election({ client, name, leaseDuration: 15 });
  // @ts-expect-error an update needs its expression
  await leadership.transact([{ Update: { TableName: "t", Key: { id: "1" } } }]);
  // @ts-expect-error a tick is a string that sorts
  await election.runOnce(new Date(), () => {});
  // @ts-expect-error nobody may be leading
  (await election.leader()).term;
  // @ts-expect-error the value is a string
  await leadership.proclaim({ url: "http://10.0.0.1" });
}
