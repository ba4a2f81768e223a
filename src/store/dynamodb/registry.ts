import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { MAX_TERM } from "../../limits.js";
import type { History } from "../../protocol/observation.js";
import type { Answer, CandidateRow, TermRange, TermRecord } from "../../protocol/verbs.js";
import { type Item, n } from "../attribute.js";
import {
  CANDIDATE_SORT_KEY_PREFIX,
  candidatesPartition,
  PARTITION_KEY,
  SEQ_SORT_KEY,
  SORT_KEY,
  TERM_SORT_KEY_PREFIX,
  termSortKey,
} from "../schema.js";
import { conditionExpression, notRefreshedSince } from "./conditions.js";
import type { DateHeader } from "./date-header.js";
import { attributes, toCandidate } from "./lease-codec.js";
import { DynamoDBTable } from "./table.js";
import { termRow, toHistory, toTerm } from "./term-codec.js";
import { updateExpression } from "./update-expression.js";

const HISTORY_READ = 100;

/** The rows beside the lease: past terms, and those who stand for election. Safety rests on none of them alone. */
export class DynamoDBRegistry extends DynamoDBTable {
  readHistory(election: string, signal: AbortSignal): Promise<Answer & { history: History }> {
    return this.ask("read the election's history", async (date) => {
      const rows = await this.#query(
        election,
        ofPrefix(TERM_SORT_KEY_PREFIX),
        HISTORY_READ,
        date,
        signal,
        whole,
      );
      return { dateMs: date.ms, history: toHistory(election, rows) };
    });
  }

  readTerms(
    election: string,
    { before = MAX_TERM + 1, after = -1, limit }: TermRange,
    signal: AbortSignal,
  ): Promise<Answer & { terms: readonly TermRecord[] }> {
    if (before - after < 2) return Promise.resolve({ terms: [] });
    return this.ask("read the election's history", async (date) => {
      const between = { from: termSortKey(after + 1), to: termSortKey(before - 1) };
      const terms = await this.#query(election, between, limit, date, signal, toTerm);
      return { dateMs: date.ms, terms };
    });
  }

  recordTerm(election: string, record: TermRecord, signal: AbortSignal): Promise<Answer> {
    return this.#set("record a term", election, termSortKey(record.term), termRow(record), signal);
  }

  drawSeq(election: string, signal: AbortSignal): Promise<Answer & { seq: number }> {
    return this.ask("join the election", async (date) => {
      const command = date.from(
        new UpdateItemCommand({
          ...this.rowOf(election, SEQ_SORT_KEY),
          ...updateExpression({ set: {}, add: { seq: n(1) } }),
          ReturnValues: "UPDATED_NEW",
        }),
      );
      const { Attributes } = await this.client.send(command, { abortSignal: signal });
      return { dateMs: date.ms, seq: Number(Attributes?.seq?.N) };
    });
  }

  writeCandidate(election: string, row: CandidateRow, signal: AbortSignal): Promise<Answer> {
    const sortKey = CANDIDATE_SORT_KEY_PREFIX + row.candidateId;
    const partition = candidatesPartition(election);
    return this.#set("refresh the candidate", partition, sortKey, attributes(row), signal);
  }

  deleteCandidate(
    election: string,
    { candidateId, beat }: Pick<CandidateRow, "candidateId" | "beat">,
    signal: AbortSignal,
  ): Promise<Answer> {
    return this.ask("delete a candidate's row", async (date) => {
      const command = date.from(
        new DeleteItemCommand({
          ...this.rowOf(candidatesPartition(election), CANDIDATE_SORT_KEY_PREFIX + candidateId),
          ...conditionExpression(notRefreshedSince(beat)),
        }),
      );
      try {
        await this.client.send(command, { abortSignal: signal });
      } catch (error) {
        // Refreshed meanwhile, or gone already.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
      return { dateMs: date.ms };
    });
  }

  readCandidates(
    election: string,
    signal: AbortSignal,
  ): Promise<Answer & { candidates: readonly CandidateRow[] }> {
    return this.ask("read the candidates", async (date) => {
      const all = ofPrefix(CANDIDATE_SORT_KEY_PREFIX);
      // However many: a limit would let rows of the dead hide the living.
      const partition = candidatesPartition(election);
      const candidates = await this.#query(partition, all, undefined, date, signal, toCandidate);
      return { dateMs: date.ms, candidates };
    });
  }

  /** The highest keys first, up to `limit` of those that `parse` takes. Pages are followed: rows can be large, or not ours. */
  async #query<T>(
    partition: string,
    { from, to }: Range,
    limit: number | undefined,
    date: DateHeader,
    signal: AbortSignal,
    parse: (row: Item) => T | undefined,
  ): Promise<T[]> {
    const rows: T[] = [];
    let startKey: Item | undefined;
    do {
      const command = date.from(
        new QueryCommand({
          TableName: this.tableName,
          KeyConditionExpression: "#pk = :pk AND #sk BETWEEN :from AND :to",
          ExpressionAttributeNames: { "#pk": PARTITION_KEY, "#sk": SORT_KEY },
          ExpressionAttributeValues: { ":pk": { S: partition }, ":from": { S: from }, ":to": { S: to } },
          ConsistentRead: true,
          ScanIndexForward: false,
          ...(limit !== undefined && { Limit: limit - rows.length }),
          ...(startKey && { ExclusiveStartKey: startKey }),
        }),
      );
      const answer = await this.client.send(command, { abortSignal: signal });
      rows.push(...((answer.Items ?? []) as Item[]).flatMap((row) => parse(row) ?? []));
      startKey = answer.LastEvaluatedKey as Item | undefined;
    } while (startKey && (limit === undefined || rows.length < limit));
    return rows;
  }

  #set(
    doing: string,
    partition: string,
    sortKey: string,
    set: Parameters<typeof updateExpression>[0]["set"],
    signal: AbortSignal,
  ): Promise<Answer> {
    return this.ask(doing, async (date) => {
      const row = this.rowOf(partition, sortKey);
      const command = date.from(new UpdateItemCommand({ ...row, ...updateExpression({ set }) }));
      await this.client.send(command, { abortSignal: signal });
      return { dateMs: date.ms };
    });
  }
}

const whole = (row: Item) => row;

interface Range {
  readonly from: string;
  readonly to: string;
}

/** Every sort key that begins so: '#' ends a prefix, and '$' follows it. */
function ofPrefix(prefix: string): Range {
  return { from: prefix, to: `${prefix.slice(0, -1)}$` };
}
