import {
  type AttributeValue,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { Election, type Leadership, Session } from "../src/index.js";

import { CountingClient } from "./counted.js";
import type { FromHolder, HolderConfig, ToHolder } from "./session-messages.js";
import { aborted } from "./waiting.js";

/** A process with many elections. Its work does nothing. Until it is told to compete it is an idle Node with the SDK. */

/** As many as a session sends. */
const AT_ONCE = 16;

const config = JSON.parse(process.argv[2] ?? "") as HolderConfig;
const { tableName, itemsTable, label, prefix, leases, leaseMs, renewMs } = config;
const say = (message: FromHolder) => void process.send?.(message, () => {});
process.once("disconnect", () => process.exit());

const counting = new CountingClient(config.connection);
const { client } = counting;
const sent = { writes: 0, reads: 0, ownRowsRead: 0 };
let competes = false;
let hasClaimed = false;
client.middlewareStack.add(
  (next, { commandName = "" }) =>
    (args) => {
      tally(commandName, args.input);
      return next(args);
    },
  // Within the SDK's retries, so that each try counts.
  { step: "finalizeRequest", priority: "low", name: "tally" },
);

type Key = Readonly<Record<string, { readonly S?: string }>>;
const isOwnRow = ({ pk, sk }: Key) => sk?.S === "lease" && (pk?.S?.startsWith(`${prefix}/`) ?? false);

function tally(command: string, input: object): void {
  const {
    Key,
    RequestItems,
    ConsistentRead,
    UpdateExpression = "",
  } = input as {
    readonly Key?: Key;
    readonly ConsistentRead?: boolean;
    readonly UpdateExpression?: string;
    readonly RequestItems?: Readonly<Record<string, { readonly Keys?: readonly Key[] }>>;
  };
  const isRead = /^(GetItem|BatchGetItem|Query|Scan)Command$/.test(command);
  if (isRead) sent.reads += 1;
  else sent.writes += 1;
  if (isRead && Key && ConsistentRead && isOwnRow(Key)) sent.ownRowsRead += 1;
  if (isRead && RequestItems)
    sent.ownRowsRead += Object.values(RequestItems)
      .flatMap(({ Keys = [] }) => Keys)
      .filter(isOwnRow).length;
  if (isRead || !competes || hasClaimed || Key?.pk?.S?.startsWith("bare/")) return;
  // Once per term a candidate that waits tells the holder so (rule 2m).
  if (UpdateExpression.includes("awaitedTerm")) return;
  hasClaimed = true;
  say({ type: "claims" });
}

let session: Session | undefined;
let isClosing = false;
const held = new Map<number, Leadership>();
const waiting = new Set<number>();

function compete(): void {
  competes = true;
  const timing = { leaseDurationMs: leaseMs, renewIntervalMs: renewMs };
  const table = { client, tableName, label };
  session = config.form === "session" ? new Session({ ...table, ...timing }) : undefined;
  for (let lease = 0; lease < leases; lease++) {
    const name = `${prefix}/${lease}`;
    const onEvent = ({ type }: { readonly type: string }) => {
      if (type === "waiting") waits(lease);
    };
    const election = new Election(
      session ? { session, name, onEvent } : { ...table, ...timing, name, onEvent },
    );
    election
      .lead((leadership) => work(lease, leadership))
      .catch((error: unknown) => {
        if (!isClosing) say({ type: "failed", message: `${name}: ${error}` });
      });
  }
}

async function close(): Promise<void> {
  isClosing = true;
  await session?.close();
  say({ type: "closed" });
}

function waits(lease: number): void {
  if (waiting.size === leases) return;
  waiting.add(lease);
  if (waiting.size === leases) say({ type: "waits" });
}

async function work(lease: number, leadership: Leadership): Promise<void> {
  held.set(lease, leadership);
  if (held.size === leases) say({ type: "holds", leases });
  await aborted(leadership.signal);
  held.delete(lease);
  say({ type: "holds", leases: held.size });
}

/** So many at a time, until all are done. */
async function inParallel(count: number, atOnce: number, one: (i: number) => Promise<unknown>) {
  let next = 0;
  const worker = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Without this library, and by turns as an acquire and as a record of history: as many attributes, and the same answers. */
async function write(count: number): Promise<void> {
  await inParallel(count, AT_ONCE, async (i) => {
    await client.send(new UpdateItemCommand({ TableName: tableName, ...(i % 2 === 0 ? lease(i) : term(i)) }));
  });
}

const AT = { N: "1767225600000" };
const ERROR = { N: "1000" };

function lease(i: number): Omit<UpdateItemCommandInput, "TableName"> {
  const set = {
    ...{ holder: { S: `${label}-0123456789ab` }, session: { S: `${label}-ba9876543210` } },
    ...{
      term: { N: "2" },
      revision: { N: "4" },
      attemptId: { S: `attempt-${i}` },
      schemaVersion: { N: "2" },
    },
    ...{ leaseDurationMs: { N: "240000" }, renewIntervalMs: { N: "120000" } },
    ...{ electedAt: AT, electedErrorMs: ERROR, renewedAt: AT, renewedErrorMs: ERROR },
    ...{ previousTerm: { N: "1" }, previousEndReason: { S: "resigned" } },
  };
  const removed =
    `expiresAt value stepDownBy stepDownTo releaseInMs releaseTo reservedForCandidate reservedForGroup reservedUntil
    reservedForMs endReason endedAt endedErrorMs acknowledgedTerm ttl`.split(/\s+/);
  return {
    Key: { pk: { S: `bare/${label}/${i}` }, sk: { S: "lease" } },
    ...update(set, removed),
    ConditionExpression: "attribute_not_exists(#term) OR (#term = :term AND #revision = :revision)",
    ReturnValues: "ALL_NEW",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
}

function term(i: number): Omit<UpdateItemCommandInput, "TableName"> {
  const set = {
    ...{ term: { N: "2" }, holder: { S: `${label}-0123456789ab` }, leaseDurationMs: { N: "240000" } },
    ...{ electedAt: AT, electedErrorMs: ERROR, schemaVersion: { N: "1" } },
  };
  return { Key: { pk: { S: `bare/${label}/${i}` }, sk: { S: "term#000000000002" } }, ...update(set, []) };
}

function update(set: Record<string, AttributeValue>, removed: readonly string[]) {
  const names = Object.keys(set);
  const remove = removed.length > 0 ? ` REMOVE ${removed.map((name) => `#${name}`).join(", ")}` : "";
  return {
    UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}${remove}`,
    ExpressionAttributeNames: Object.fromEntries([...names, ...removed].map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(
      names.map((name) => [`:${name}`, set[name] as AttributeValue]),
    ),
  };
}

async function writeFenced(count: number, among: number): Promise<void> {
  const leaderships = [...held.values()].slice(0, among);
  for (let i = 0; i < count; i++) {
    const id = `${label}/${i}`;
    const actions = [{ Put: { TableName: itemsTable, Item: { id } } }];
    await leaderships[i % leaderships.length]?.transact(actions, { keys: { [itemsTable]: ["id"] } });
  }
}

process.on("message", (message: ToHolder) => {
  const failed = (error: unknown) => say({ type: "failed", message: String(error) });
  const wrote = () => say({ type: "wrote" });
  if (message.type === "compete") compete();
  if (message.type === "close") close().catch(failed);
  if (message.type === "write") write(message.count).then(wrote, failed);
  if (message.type === "write fenced") writeFenced(message.count, message.leases).then(wrote, failed);
  if (message.type !== "tell usage") return;
  const { user, system } = process.cpuUsage();
  const { writeUnits, readUnits } = counting.count;
  const residentMB = process.memoryUsage.rss() / 2 ** 20;
  const usage = { cpuMs: (user + system) / 1_000, residentMB, ...sent, writeUnits, readUnits };
  say({ type: "used", usage });
});

say({ type: "hello" });
