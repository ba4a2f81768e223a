import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { MAX_TERM } from "../../limits.js";
import type { Item } from "../attribute.js";
import type { LeaseStore } from "../lease-store.js";
import {
  ARRIVAL_SORT_KEY,
  CANDIDATE_SORT_KEY_PREFIX,
  candidatesPartition,
  PARTITION_KEY,
  SORT_KEY,
  TERM_SORT_KEY_PREFIX,
  termSortKey,
} from "../schema.js";
import { conditionExpression, noLaterTickReset, notRefreshedSince, placeholders } from "./conditions.js";
import { readFloor } from "./floor.js";
import { toCandidate } from "./lease-codec.js";
import { Row } from "./row.js";
import { keptVersion, ownVersion } from "./row-version.js";
import type { DynamoDBTable, Send } from "./table.js";
import { termRow, toHistory, toTerm } from "./term-codec.js";
import { type Update, updateExpression } from "./update-expression.js";

const HISTORY_READ = 100;

type Verbs =
  | "readHistory"
  | "readTerms"
  | "recordTerm"
  | "drawArrival"
  | "writeCandidate"
  | "deleteCandidate"
  | "readCandidates";

/** The rows beside the lease: past terms and candidates. Safety never depends on one of them alone. */
export function registryVerbs(table: DynamoDBTable): Pick<LeaseStore, Verbs> {
  const write = (doing: string, partition: string, sortKey: string, update: Update, signal: AbortSignal) =>
    table.ask(doing, signal, async (send) => {
      const row = table.rowOf(partition, sortKey);
      await unlessRefused(send(new UpdateItemCommand({ ...row, ...updateExpression(update) })));
      return {};
    });
  return {
    readHistory: (election, signal) =>
      table.ask("read the election's history", signal, async (send) => {
        const terms = { partition: election, ...ofPrefix(TERM_SORT_KEY_PREFIX), limit: HISTORY_READ };
        const history = toHistory(election, await query(send, table, terms, (row) => row));
        // After the history: a term that was forgotten before the history was read is below this floor (rule 13c).
        return { history: { ...history, floor: await readFloor(send, table, election, true) } };
      }),

    async readTerms(election, { before = MAX_TERM + 1, after = -1, limit }, signal) {
      if (before - after < 2) return { terms: [] };
      return table.ask("read the election's history", signal, async (send) => {
        const between = { from: termSortKey(after + 1), to: termSortKey(before - 1) };
        return { terms: await query(send, table, { partition: election, ...between, limit }, toTerm) };
      });
    },

    async recordTerm(election, record, signal) {
      const { term, tickReset } = record;
      const condition = tickReset && { condition: noLaterTickReset(tickReset.revision) };
      const update = { ...condition, set: termRow(record), copy: keptVersion };
      return write("record a term", election, termSortKey(term), update, signal);
    },

    drawArrival: (election, signal) =>
      table.ask("join the election", signal, async (send) => {
        const command = new UpdateItemCommand({
          ...table.rowOf(election, ARRIVAL_SORT_KEY),
          ...updateExpression({ set: {}, add: { arrival: 1 }, copy: keptVersion }),
          ReturnValues: "UPDATED_NEW",
        });
        const { Attributes } = await send(command);
        new Row(election, ARRIVAL_SORT_KEY, Attributes as Item).checkVersion();
        return { arrival: Number(Attributes?.arrival?.N) };
      }),

    writeCandidate(election, row, signal) {
      const sortKey = CANDIDATE_SORT_KEY_PREFIX + row.candidateId;
      const update = { set: { ...row, ...ownVersion } };
      return write("refresh the candidate", candidatesPartition(election), sortKey, update, signal);
    },

    deleteCandidate: (election, { candidateId, heartbeat }, signal) =>
      table.ask("delete a candidate's row", signal, async (send) => {
        const command = new DeleteItemCommand({
          ...table.rowOf(candidatesPartition(election), CANDIDATE_SORT_KEY_PREFIX + candidateId),
          ...conditionExpression(notRefreshedSince(heartbeat)),
        });
        await unlessRefused(send(command));
        return {};
      }),

    readCandidates: (election, signal) =>
      table.ask("read the candidates", signal, async (send) => {
        // All pages: with a limit the rows of dead candidates could hide the others.
        const all = { partition: candidatesPartition(election), ...ofPrefix(CANDIDATE_SORT_KEY_PREFIX) };
        return { candidates: await query(send, table, all, toCandidate) };
      }),
  };
}

/** A later write was there before, and stays. Or the row is deleted already. */
async function unlessRefused(sent: Promise<unknown>): Promise<void> {
  await sent.catch((error: unknown) => {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  });
}

interface Range {
  readonly partition: string;
  readonly from: string;
  readonly to: string;
  /** The rows that `parse` accepts. */
  readonly limit?: number;
}

/** All sort keys with this prefix: a prefix ends with '#', and '$' follows '#'. */
function ofPrefix(prefix: string): Pick<Range, "from" | "to"> {
  return { from: prefix, to: `${prefix.slice(0, -1)}$` };
}

/** The rows that `parse` accepts, highest keys first, at most `limit`. It reads more pages if rows are large or not ours. */
async function query<T>(
  send: Send,
  table: DynamoDBTable,
  { partition, from, to, limit }: Range,
  parse: (row: Item) => T | undefined,
): Promise<T[]> {
  const key = `#${PARTITION_KEY} = :pk AND #${SORT_KEY} BETWEEN :from AND :to`;
  const rows: T[] = [];
  let startKey: Item | undefined;
  do {
    const command = new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: key,
      ...placeholders(key, { pk: partition, from, to }),
      ConsistentRead: true,
      ScanIndexForward: false,
      ...(limit !== undefined && { Limit: limit - rows.length }),
      ...(startKey && { ExclusiveStartKey: startKey }),
    });
    const answer = await send(command);
    rows.push(...((answer.Items ?? []) as Item[]).flatMap((row) => parse(row) ?? []));
    startKey = answer.LastEvaluatedKey as Item | undefined;
  } while (startKey && (limit === undefined || rows.length < limit));
  return rows;
}
