import { DeleteItemCommand, type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { inject } from "vitest";
import { Election, Session } from "../../src/index.js";
import { Operator } from "../../src/operator.js";
import type { CandidateOptions } from "../../src/options.js";
import { sessionRowName } from "../../src/protocol/sessions.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { ClientOptions } from "../../src/store/open-store.js";
import { candidatesPartition } from "../../src/store/schema.js";
import { monitor as invokeMonitor } from "../monitor/monitor.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { eventually, newClient, newTable } from "../support/fixture.js";

/** What those with rights on a lease table do with them, for real. `proxy` hears it all. */
export type Role = (proxy: FaultProxy, tableName: string) => Promise<void>;

export const ELECTIONS = ["billing/nightly", "reports"];
const name = "billing/nightly";
const leaseDurationMs = 3_000;

export const candidate: Role = async (proxy, tableName) => {
  const client = newClient(proxy.endpoint);
  const ledger = await newTable(newClient());
  const stand = (options: Partial<ClientOptions & CandidateOptions> = {}) =>
    new Election({ client, tableName, name, leaseDurationMs, ...options });

  // Founded, renewed, fenced, proclaimed, given back.
  const first = await stand().campaign();
  const sofar = proxy.requests.length;
  await eventually(() => proxy.requests.length > sofar + 1);
  await first.transact([{ Put: { TableName: ledger, Item: { id: "1" } } }]);
  await first.proclaim("http://10.0.0.7:8080");
  await first.resign();

  // A line of succession, and the takeover from a leader that is cut off.
  await using cut = await startFaultProxy(inject("dynamodb").endpoint);
  await stand({ client: newClient(cut.endpoint), succession: "arrival" }).campaign();
  const stop = new AbortController();
  const lead = () => stand({ succession: "arrival" }).lead(() => stop.abort(), { signal: stop.signal });
  const waiting = [lead(), lead()];
  await proxy.seen((request) => JSON.stringify(request.body).includes("candidate#"));
  await cut.close();
  await Promise.all(waiting);

  // Founded anew when an operator has deleted the row: the history is checked.
  const Key = { pk: { S: name }, sk: { S: "lease" } };
  await newClient().send(new DeleteItemCommand({ TableName: tableName, Key }));
  await (await stand().campaign()).resign();

  // Jobs, the second time for a tick that is done; another election, on a table that takes no transactions.
  await stand().runOnce("2026-01-31T03:00:00Z", () => {});
  await stand().runOnce("2026-01-31T03:00:00Z", () => {});
  const body = { __type: "com.amazon.coral.validate#ValidationException", message: "not supported" };
  const refused = proxy.next("TransactWriteItems", { kind: "respond", status: 400, body });
  await stand({ name: "reports" }).runOnce("2026-01-31", () => {}, { reserveForMs: 60_000 });
  await refused;
};

/** The requests of a session's holder and of those who wait for its leases, besides those of all candidates. */
export const sessions: Role = async (proxy, tableName) => {
  const store = dynamoDBLeaseStore(newClient(proxy.endpoint), tableName);
  const { signal } = new AbortController();
  const election = sessionRowName("worker-1");
  const times = { leaseDurationMs, renewIntervalMs: 1_000 };
  const mine = { election, candidateId: "worker-1", term: 1 };
  await store.openSession({ ...mine, attemptId: "1", ...times, expiresAt: 1, at: 1 }, signal);
  await store.read(election, { consistent: true }, signal);
  await store.nudgeSession({ election, name }, signal);
  await store.sealSession({ election, seen: { term: 1, revision: 1 }, at: 1, ttl: 1 }, signal);
  await store.burySession({ election: sessionRowName("worker-2"), revision: 7, ...times, ttl: 1 }, signal);
  await store.readMany(ELECTIONS, { consistent: true }, signal);
};

export const observer: Role = async (proxy, tableName) => {
  await using _ = await newLeader(tableName);
  const follower = new Election({ client: newClient(proxy.endpoint), tableName, name });
  await follower.leader();
  for await (const _ of follower.observe()) break;
  await follower.candidates();
  await follower.history();
  await using session = new Session({ client: newClient(), tableName });
  await using _under = await new Election({ session, name: "reports" }).campaign();
  await new Election({ client: newClient(proxy.endpoint), tableName, name: "reports" }).leader();
};

export const operator: Role = async (proxy, tableName) => {
  const client = newClient(proxy.endpoint);
  const reports = new Operator({ client, tableName, name: "reports" });
  await reports.pause();
  await reports.resume();
  // What an operator does to a lease under a session, its holder is told: that needs `grantSessions`, and is a hint.
  await using session = new Session({ client: newClient(), tableName });
  await new Election({ session, name: "reports" }).campaign();
  await new Election({ client, tableName, name: "reports" }).leader();
  const leader = await newLeader(tableName);
  const billing = new Operator({ client, tableName, name });
  const others = new Election({ client, tableName, name });
  await others.candidates();
  await others.history();
  await billing.requestStepDown();
  await billing.evict();
  await leader.resign();
};

/** That of a table which DynamoDB does not clean up, and where there is something to clean up. */
export const monitor: Role = async (proxy, tableName) => {
  const client = newClient();
  const old = { pk: { S: candidatesPartition(name) }, sk: { S: "candidate#worker-1" }, ttl: { N: "1" } };
  await client.send(new PutItemCommand({ TableName: tableName, Item: old }));
  await using _ = await newLeader(tableName);
  const { results } = await invokeMonitor(tableName, [{ scheduledTime: "2026-01-31T03:00:00Z" }], {
    AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint,
    INCUMBENT_MONITOR_ELECTION: "incumbent/monitor/eu-west-1",
    INCUMBENT_PRUNE: "true",
  });
  if (results[0]?.result?.role !== "leader") throw new Error(JSON.stringify(results));
};

/** By a client of its own: its requests are not the matter. */
function newLeader(tableName: string, client: DynamoDBClient = newClient()) {
  return new Election({ client, tableName, name }).campaign();
}
