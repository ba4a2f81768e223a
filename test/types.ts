/** Checked by `npm run typecheck`, never run: what users may and may not write. */
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument, DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import {
  Election,
  type EndReason,
  type Leader,
  type Leadership,
  Operator,
  type ResignOutcome,
  type RunOnceResult,
  Session,
} from "incumbent";
import { leaderHandler } from "incumbent/lambda";
import { ManualClock, MemoryTable } from "incumbent/testing";

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
  same<Leadership | undefined>(await election.tryCampaign());
  same<RunOnceResult<string>>(await election.runOnce("2026-01-31", ({ election: of }) => of));
  const tried = await election.tryLead(() => 7);
  if (tried.ran) same<number>(tried.result);
  else same<"held" | "unhealthy">(tried.because);
  same<Leader | undefined>(await election.leader());
  for await (const { leader, ended } of election.observe()) {
    same<Leader | undefined>(leader);
    same<EndReason | undefined>(ended?.reason);
  }

  await using leadership = await election.campaign();
  same<ResignOutcome>(await leadership.resign());
  same<number>(leadership.term);
  // What guard returns goes where what it was given went.
  await client.send(new PutItemCommand(leadership.guard({ TableName: "t", Item: { id: { S: "1" } } })));
  await documents.send(new PutCommand(leadership.guard({ TableName: "t", Item: { id: "1" } })));
  await leadership.transact([{ Put: { TableName: "t", Item: { id: "1" } } }]);
  await leadership.transact([{ Delete: { TableName: "t", Key: { id: { S: "1" } } } }]);
}

export async function sessions(): Promise<void> {
  await using session = new Session({
    client,
    tableName: "incumbent",
    leaseDurationMs: 9_000,
    lastWill: true,
  });
  new Election({
    session,
    name,
    value: "x",
    succession: "arrival",
    tuning: { historyRetentionMs: 86_400_000 },
  });
  // @ts-expect-error: the session has the client.
  new Election({ session, client, name });
  // @ts-expect-error: the session has the heartbeat.
  new Election({ session, name, leaseDurationMs: 3_000 });
  // @ts-expect-error: it is the session's own.
  new Election({ session, name, tuning: { expiry: "observation" } });
  // @ts-expect-error: it has neither a table nor a session.
  new Election({ name });
  same<ResignOutcome>(await session.close());
}

export function options(): void {
  const store = new MemoryTable();
  const rank = () => 7;
  const oldestFirst = (a: { label: string }, b: { label: string }) => a.label.localeCompare(b.label);
  for (const succession of ["random", "arrival", "ring"] as const) new Election({ client, name, succession });
  new Election({ store, name, succession: { order: "ring", maxTenureMs: 60_000 } });
  new Election({ store, name, succession: { order: oldestFirst, maxTenureMs: 60_000 } });
  new Election({ store, name, succession: { order: "rank", rank, preempt: true, maxTenureMs: 60_000 } });
  new Election({ store, name, succession: { order: "rank", rank: 7, preempt: { minTenureMs: 1_000 } } });
  new Election({ store, name, tuning: { expiry: { maxServiceClockErrorMs: 50 } } });
  new Election({ store, name, tuning: { expiry: "observation", safetyMarginMs: 100 } });
  leaderHandler(() => {}, { client, tuning: { historyRetentionMs: 86_400_000 } });

  // @ts-expect-error rank order needs a rank
  new Election({ store, name, succession: "rank" });
  // @ts-expect-error rank order needs a rank
  new Election({ store, name, succession: { order: "rank" } });
  // @ts-expect-error a rank needs rank order
  new Election({ store, name, succession: { order: "arrival", rank } });
  // @ts-expect-error preempt needs rank order
  new Election({ store, name, succession: { order: "ring", preempt: true } });
  // @ts-expect-error preempt needs rank order
  new Election({ store, name, succession: { order: oldestFirst, preempt: true } });
  // @ts-expect-error who keeps no line has nobody to hand over to
  new Election({ store, name, succession: { order: "random", maxTenureMs: 60_000 } });
  // @ts-expect-error a minimum alone says nothing of whether
  new Election({ store, name, succession: { order: "rank", rank, minTenureMs: 0 } });
  // @ts-expect-error a table is a client's or a store, not both
  new Election({ client, store, name });
  // @ts-expect-error a store has no name
  new Election({ store, tableName: "incumbent", name });
  // @ts-expect-error a table there must be
  new Election({ name });
  // @ts-expect-error an operator needs a table too
  new Operator({ name });
  // @ts-expect-error an operator has one table
  new Operator({ client, store, name });
  // @ts-expect-error a function has one table
  leaderHandler(() => {}, { client, store });
  // @ts-expect-error without the table's clock there is no error of it
  new Election({ store, name, tuning: { expiry: "observation", maxServiceClockErrorMs: 50 } });
  // @ts-expect-error derived from the lease
  new Election({ store, name, tuning: { slotMs: 100 } });
  // @ts-expect-error the clock stands in runtime
  new Election({ store, name, clock: new ManualClock() });
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
  // @ts-expect-error a tick is an instant, a number or a text
  await election.runOnce(7n, () => {});
  // @ts-expect-error there is nothing to do
  await election.lead();
  // @ts-expect-error a signal is an option, not the options
  await election.lead(() => {}, new AbortController().signal);
  // @ts-expect-error one try waits for nobody
  await election.tryLead(() => {}, { wait: true });
  // @ts-expect-error nobody may be leading
  (await election.leader()).term;
  // @ts-expect-error the value is a string
  await leadership.proclaim({ url: "http://10.0.0.1" });
}
