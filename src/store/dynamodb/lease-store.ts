import {
  ConditionalCheckFailedException,
  DescribeTableCommand,
  GetItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { knownText } from "../../error-summary.js";
import { isPlaceholder, type Lease } from "../../protocol/lease.js";
import { checkNextPause, checkNextTerm } from "../../protocol/next-term.js";
import type { Basis, Founding } from "../../protocol/takeover.js";
import type {
  AcquireRequest,
  Answer,
  EvictRequest,
  HoldPlaceRequest,
  PauseRequest,
  Read,
  RenewRequest,
  ResignRequest,
  StepDownRequest,
  TermRecord,
  Transacted,
  Written,
} from "../../protocol/verbs.js";
import { type Item, n, s } from "../attribute.js";
import type { LeaseStore, TransactRequest } from "../lease-store.js";
import { LEASE_SORT_KEY, termSortKey } from "../schema.js";
import { fromItem, toTransactItem } from "../transaction.js";
import {
  all,
  asSeen,
  conditionExpression,
  mine,
  notPaused,
  notThere,
  pairAsSeen,
  revisionBelow,
  someHolder,
  termAsSeen,
} from "./conditions.js";
import { DateHeader } from "./date-header.js";
import { storeError, transactionError } from "./errors.js";
import { fenceUpdate } from "./fence.js";
import { found, type UpdateOfRow } from "./founding.js";
import { held, optional, toLease, withoutAbsent } from "./lease-codec.js";
import { DynamoDBRegistry } from "./registry.js";
import { termRow } from "./term-codec.js";
import { type Update, updateExpression } from "./update-expression.js";

/** The verbs as conditional writes. */
export class DynamoDBLeaseStore extends DynamoDBRegistry implements LeaseStore {
  read(election: string, how: { consistent: boolean }, signal: AbortSignal): Promise<Read> {
    return this.ask("read the lease", async (date) => {
      const command = date.from(
        new GetItemCommand({ ...this.rowOf(election, LEASE_SORT_KEY), ConsistentRead: how.consistent }),
      );
      const { Item } = await this.client.send(command, { abortSignal: signal });
      return { dateMs: date.ms, lease: Item && toLease(election, Item as Item) };
    });
  }

  holdPlace(request: HoldPlaceRequest, signal: AbortSignal): Promise<Written> {
    const { election, revision, leaseDurationMs, renewIntervalMs } = request;
    return this.#write(
      election,
      "make the lease row",
      {
        condition: notThere,
        set: {
          term: n(0),
          revision: n(revision),
          leaseDurationMs: n(leaseDurationMs),
          renewIntervalMs: n(renewIntervalMs),
        },
      },
      signal,
    );
  }

  async acquire(request: AcquireRequest, signal: AbortSignal): Promise<Written> {
    const { election, basis } = request;
    checkNextTerm(election, request.term, basis);
    if (basis.founding) return this.#found(request, basis, basis.founding, signal);
    const taken = held(request, basis.revision + 1);
    return this.#write(
      election,
      "acquire the lease",
      { condition: all(pairAsSeen(basis), notPaused), set: { ...taken, ...CLEARED } },
      signal,
    );
  }

  #found(
    request: AcquireRequest,
    basis: Basis,
    { highestTerm, lastTick, tickBefore }: Founding,
    signal: AbortSignal,
  ): Promise<Written> {
    const { election, term, attemptId, candidateId, leaseDurationMs, at } = request;
    const lease = { ...held(request, 1), lastTick: optional(s, lastTick) };
    const begun = { term, holder: candidateId, leaseDurationMs, electedAt: at, lastTickBefore: lastTick };
    const claimed = highestTerm + 1;
    return this.ask("acquire the lease", (date) =>
      found(
        {
          election,
          lease: {
            ...this.rowOf(election, LEASE_SORT_KEY),
            ...updateExpression({ condition: all(pairAsSeen(basis), notPaused), set: lease }),
          },
          claim: this.#newTerm(election, claimed === term ? begun : { term: claimed }),
          history: claimed === term ? undefined : this.#newTerm(election, begun),
          before: highestTerm > 0 ? this.#tickIs(election, highestTerm, tickBefore) : undefined,
          founded: withoutAbsent(lease),
          token: attemptId,
        },
        { client: this.client, date, signal },
      ),
    );
  }

  #newTerm(election: string, record: TermRecord) {
    return {
      ...this.rowOf(election, termSortKey(record.term)),
      ...updateExpression({ condition: notThere, set: termRow(record) }),
    };
  }

  #tickIs(election: string, term: number, tick: string | undefined) {
    return {
      ...this.rowOf(election, termSortKey(term)),
      ...conditionExpression(asSeen("lastTick", optional(s, tick))),
    };
  }

  renew(request: RenewRequest, signal: AbortSignal): Promise<Written> {
    return this.#write(
      request.election,
      "renew the lease",
      {
        condition: all(mine(request), revisionBelow(request.revision)),
        set: {
          revision: n(request.revision),
          renewIntervalMs: n(request.renewIntervalMs),
          expiresAt: optional(n, request.expiresAt),
          renewedAt: optional(n, request.at),
          value: optional(s, request.value),
          ...(request.line && { line: { L: request.line.map(s) } }),
          lettingGoInMs: optional(n, request.lettingGo?.inMs),
          lettingGoTo: optional(s, request.lettingGo?.to),
        },
      },
      signal,
    );
  }

  resign(request: ResignRequest, signal: AbortSignal): Promise<Written> {
    return this.#write(
      request.election,
      "resign",
      {
        condition: mine(request),
        set: {
          holder: undefined,
          revision: n(request.revision),
          endReason: s(request.reason),
          endedAt: optional(n, request.at),
          reservedFor: optional(s, request.reservation?.candidateId),
          reservedGroup: optional(s, request.reservation?.group),
          reservedUntil: optional(n, request.reservation?.until),
          reservedMs: optional(n, request.reservation?.forMs),
          ...(request.tick !== undefined && { lastTick: s(request.tick), lastTickTerm: n(request.term) }),
        },
      },
      signal,
    );
  }

  requestStepDown(request: StepDownRequest, signal: AbortSignal): Promise<Written> {
    return this.#write(
      request.election,
      "request a step-down",
      {
        condition: all(termAsSeen(request), someHolder),
        set: { stepDown: s(request.by), stepDownTo: optional(s, request.to) },
      },
      signal,
    );
  }

  async pause({ election, by, seen }: PauseRequest, signal: AbortSignal): Promise<Written> {
    checkNextPause(election, seen);
    const { pauseRevision } = seen;
    const sameRow = isPlaceholder(seen) ? pairAsSeen(seen) : termAsSeen(seen);
    return this.#write(
      election,
      by === undefined ? "resume the election" : "pause the election",
      {
        condition: all(sameRow, asSeen("pauseRevision", optional(n, pauseRevision))),
        set: { paused: optional(s, by), pauseRevision: n((pauseRevision ?? 0) + 1) },
      },
      signal,
    );
  }

  async evict(request: EvictRequest, signal: AbortSignal): Promise<Written> {
    checkNextTerm(request.election, request.term + 1, request);
    return this.#write(
      request.election,
      "evict the holder",
      {
        condition: all(termAsSeen(request), someHolder, revisionBelow(Number.MAX_SAFE_INTEGER)),
        set: {
          holder: undefined,
          endReason: s("evicted"),
          endedAt: optional(n, request.at),
        },
        add: { term: n(1), revision: n(1) },
      },
      signal,
    );
  }

  transact(request: TransactRequest, signal: AbortSignal): Promise<Transacted> {
    const { election, commit, actions } = request;
    const fence = {
      ...this.rowOf(election, LEASE_SORT_KEY),
      ...fenceUpdate(request),
      ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
    };
    if (actions.length === 0) return this.#useUp(election, fence, signal);
    const tableNames = [...new Set([this.tableName, ...actions.map(({ tableName }) => tableName)])];
    return this.ask("commit a transaction", async (date) => {
      const command = date.from(
        new TransactWriteItemsCommand({
          TransactItems: [{ Update: fence }, ...actions.map(toTransactItem)],
          ClientRequestToken: commit.id,
        }),
      );
      try {
        await this.client.send(command, { abortSignal: signal });
        return { dateMs: date.ms, done: true };
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw transactionError(error, tableNames);
        const [row, ...reasons] = error.CancellationReasons ?? [];
        // Not one reason per action: the request itself was wrong, and whose action it was is not told; or no answer at all.
        if (reasons.length !== actions.length) {
          throw row?.Code === "ValidationError" ? transactionError(error, tableNames) : error;
        }
        if (row?.Code === "ConditionalCheckFailed") {
          const lease = row.Item && toLease(election, row.Item as Item);
          const { attempts } = error.$metadata;
          return { dateMs: date.ms, done: false, fenced: true, lease, attempts };
        }
        const refusals = reasons.map((reason, i) => ({
          code: reason.Code ?? "None",
          message: knownText(reason.Message),
          item: fromItem(reason.Item as Item | undefined, actions[i]?.plain ?? false),
        }));
        // The lease row itself was busy (a conflict, throttling): nobody's fault, so nobody's refusal.
        if (refusals.every((refusal) => refusal.code === "None")) throw error;
        return { dateMs: date.ms, done: false, fenced: false, refusals };
      }
    });
  }

  /** Not a transaction: it works where a transaction is what DynamoDB refuses. */
  #useUp(election: string, fence: UpdateOfRow, signal: AbortSignal): Promise<Transacted> {
    return this.ask("decide a transaction", async (date) => {
      try {
        await this.client.send(date.from(new UpdateItemCommand(fence)), { abortSignal: signal });
        return { dateMs: date.ms, done: true };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const lease = error.Item && toLease(election, error.Item as Item);
        return { dateMs: date.ms, done: false, fenced: true, lease };
      }
    });
  }

  /** Of any table, the user's own. */
  async readKeyNames(tableName: string, signal: AbortSignal): Promise<Answer & { names: readonly string[] }> {
    const date = new DateHeader();
    try {
      const command = date.from(new DescribeTableCommand({ TableName: tableName }));
      const { Table } = await this.client.send(command, { abortSignal: signal });
      const names = Table?.KeySchema?.flatMap(({ AttributeName }) => AttributeName ?? []) ?? [];
      return { dateMs: date.ms, names };
    } catch (error) {
      throw storeError(error, tableName, "read a table's key");
    }
  }

  #write(election: string, doing: string, update: Update, signal: AbortSignal): Promise<Written> {
    return this.ask(doing, async (date) => {
      const command = date.from(
        new UpdateItemCommand({
          ...this.rowOf(election, LEASE_SORT_KEY),
          ...updateExpression(update),
          ReturnValues: "ALL_NEW",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      );
      try {
        const { Attributes } = await this.client.send(command, { abortSignal: signal });
        return { dateMs: date.ms, done: true, lease: toLease(election, Attributes as Item) };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const lease: Lease | undefined = error.Item && toLease(election, error.Item as Item);
        return { dateMs: date.ms, done: false, lease };
      }
    });
  }
}

/** What was said of the tenure before, or for it. */
const CLEARED = {
  stepDown: undefined,
  stepDownTo: undefined,
  lettingGoInMs: undefined,
  lettingGoTo: undefined,
  reservedFor: undefined,
  reservedGroup: undefined,
  reservedUntil: undefined,
  reservedMs: undefined,
  endReason: undefined,
  endedAt: undefined,
};
