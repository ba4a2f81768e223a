import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { fenceCheck } from "../fencing.js";
import type { Lease } from "../lease.js";
import type { History } from "../sighting.js";
import type { Basis, Founding } from "../takeover.js";
import { fromItem, toTransactItem } from "./attributes.js";
import { DateHeader } from "./date-header.js";
import { storeError, transactionError } from "./errors-of-dynamodb.js";
import type { Item } from "./expressions.js";
import { held, n, optional, s, termRow, toHistory, toLease, withoutAbsent } from "./lease-codec.js";
import type {
  AcquireRequest,
  Answer,
  EvictRequest,
  HoldPlaceRequest,
  LeaseStore,
  Read,
  RenewRequest,
  ResignRequest,
  StepDownRequest,
  TermRecord,
  Transacted,
  TransactRequest,
  Written,
} from "./lease-store.js";
import { LEASE_SORT_KEY, PARTITION_KEY, SORT_KEY, TERM_SORT_KEY_PREFIX, termSortKey } from "./schema.js";
import { type Update, updateExpression } from "./update-expression.js";

/** What is used of the SDK's clients; `DynamoDBClient` and `DynamoDBDocumentClient` both have it. */
export interface DynamoDBLike {
  send(command: never, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

/**
 * The verbs as conditional writes. The client is the user's own: nothing of its configuration, credentials
 * or middleware is touched; what this store needs of a response rides on each command.
 */
export class DynamoDBLeaseStore implements LeaseStore {
  readonly #client: Pick<DynamoDBClient, "send">;

  constructor(
    client: DynamoDBLike,
    private readonly tableName: string,
  ) {
    this.#client = client as unknown as Pick<DynamoDBClient, "send">;
  }

  read(election: string, how: { consistent: boolean }, signal: AbortSignal): Promise<Read> {
    return this.#ask("read the lease", async (date) => {
      const command = date.from(
        new GetItemCommand({ ...this.#row(election, LEASE_SORT_KEY), ConsistentRead: how.consistent }),
      );
      const { Item } = await this.#client.send(command, { abortSignal: signal });
      return { dateMs: date.ms, lease: Item && toLease(election, Item as Item) };
    });
  }

  readHistory(election: string, signal: AbortSignal): Promise<Answer & { history: History }> {
    return this.#ask("read the election's history", async (date) => {
      const command = date.from(
        new QueryCommand({
          TableName: this.tableName,
          KeyConditionExpression: "#pk = :pk AND begins_with(#sk, :term)",
          ExpressionAttributeNames: { "#pk": PARTITION_KEY, "#sk": SORT_KEY },
          ExpressionAttributeValues: { ":pk": { S: election }, ":term": { S: TERM_SORT_KEY_PREFIX } },
          ConsistentRead: true,
          ScanIndexForward: false,
          Limit: 100,
        }),
      );
      const { Items } = await this.#client.send(command, { abortSignal: signal });
      return { dateMs: date.ms, history: toHistory((Items ?? []) as Item[]) };
    });
  }

  holdPlace(request: HoldPlaceRequest, signal: AbortSignal): Promise<Written> {
    const { election, revision, leaseDurationMs, renewIntervalMs } = request;
    return this.#write(
      election,
      "make the lease row",
      {
        condition: `attribute_not_exists(#${PARTITION_KEY})`,
        names: [PARTITION_KEY],
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

  acquire(request: AcquireRequest, signal: AbortSignal): Promise<Written> {
    const { election, basis } = request;
    if (basis.founding) return this.#found(request, basis, basis.founding, signal);
    const taken = held(request, basis.term + 1, basis.revision + 1);
    return this.#write(
      election,
      "acquire the lease",
      { ...asSeen(basis), set: { ...taken, ...CLEARED } },
      signal,
    );
  }

  /**
   * The term's history row is made in the same transaction: should the placeholder's request arrive twice, with
   * a deletion in between, a term that was founded is still not founded again. One extra write, once.
   */
  #found(
    request: AcquireRequest,
    basis: Basis,
    { firstTerm, lastTick }: Founding,
    signal: AbortSignal,
  ): Promise<Written> {
    const { election, attemptId, candidateId, leaseDurationMs, at } = request;
    const lease = { ...held(request, firstTerm, 1), lastTick: optional(s, lastTick) };
    const history = termRow({
      term: firstTerm,
      holder: candidateId,
      leaseDurationMs,
      electedAt: at,
      lastTickBefore: lastTick,
    });
    const make = (sortKey: string, update: Update) => ({
      Update: {
        ...this.#row(election, sortKey),
        ...updateExpression(update),
        ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
      },
    });
    return this.#ask("acquire the lease", async (date) => {
      const command = date.from(
        new TransactWriteItemsCommand({
          TransactItems: [
            make(LEASE_SORT_KEY, { ...asSeen(basis), set: lease }),
            make(termSortKey(firstTerm), {
              condition: `attribute_not_exists(#${PARTITION_KEY})`,
              names: [PARTITION_KEY],
              set: history,
            }),
          ],
          ClientRequestToken: attemptId,
        }),
      );
      try {
        await this.#client.send(command, { abortSignal: signal });
        return { dateMs: date.ms, done: true, lease: toLease(election, withoutAbsent(lease)) };
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const [row, used] = error.CancellationReasons ?? [];
        const refused = [row, used].some((reason) => reason?.Code === "ConditionalCheckFailed");
        if (!refused) throw error;
        const item = row?.Item as Item | undefined;
        return { dateMs: date.ms, done: false, lease: item && toLease(election, item) };
      }
    });
  }

  renew(request: RenewRequest, signal: AbortSignal): Promise<Written> {
    return this.#write(
      request.election,
      "renew the lease",
      {
        condition: "#holder = :me AND #term = :mine AND #revision < :revision",
        values: { me: s(request.candidateId), mine: n(request.term) },
        names: ["holder", "term"],
        set: {
          revision: n(request.revision),
          renewIntervalMs: n(request.renewIntervalMs),
          expiresAt: optional(n, request.expiresAt),
          renewedAt: optional(n, request.at),
          value: optional(s, request.value),
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
        condition: "#holder = :me AND #term = :mine",
        values: { me: s(request.candidateId), mine: n(request.term) },
        names: ["holder", "term"],
        set: {
          holder: undefined,
          revision: n(request.revision),
          endReason: s(request.reason),
          endedAt: optional(n, request.at),
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
        condition: "#term = :seenTerm AND attribute_exists(#holder)",
        values: { seenTerm: n(request.term) },
        names: ["holder", "term"],
        set: { stepDown: s(request.by) },
      },
      signal,
    );
  }

  evict(request: EvictRequest, signal: AbortSignal): Promise<Written> {
    return this.#write(
      request.election,
      "evict the holder",
      {
        condition: "#term = :seenTerm AND attribute_exists(#holder)",
        values: { seenTerm: n(request.term) },
        names: ["holder", "term"],
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

  recordTerm(election: string, record: TermRecord, signal: AbortSignal): Promise<Answer> {
    return this.#ask("record a term", async (date) => {
      const command = date.from(
        new UpdateItemCommand({
          ...this.#row(election, termSortKey(record.term)),
          ...updateExpression({ set: termRow(record) }),
        }),
      );
      await this.#client.send(command, { abortSignal: signal });
      return { dateMs: date.ms };
    });
  }

  transact(request: TransactRequest, signal: AbortSignal): Promise<Transacted> {
    const { election, candidateId, term, token, actions } = request;
    const tableNames = [...new Set([this.tableName, ...actions.map(({ tableName }) => tableName)])];
    return this.#ask("commit a transaction", async (date) => {
      const command = date.from(
        new TransactWriteItemsCommand({
          TransactItems: [
            { ConditionCheck: fenceCheck(this.tableName, election, candidateId, term) },
            ...actions.map(toTransactItem),
          ],
          ClientRequestToken: token,
        }),
      );
      try {
        await this.#client.send(command, { abortSignal: signal });
        return { dateMs: date.ms, done: true };
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw transactionError(error, tableNames);
        const [fence, ...reasons] = error.CancellationReasons ?? [];
        // Not one reason per action: the request itself was wrong, and whose action it was is not told.
        if (reasons.length !== actions.length && fence?.Code === "ValidationError") {
          throw transactionError(error, tableNames);
        }
        if (fence?.Code === "ConditionalCheckFailed") {
          const lease = fence.Item && toLease(election, fence.Item as Item);
          return { dateMs: date.ms, done: false, fenced: true, lease };
        }
        const refusals = reasons.map((reason, i) => ({
          code: reason.Code ?? "None",
          message: reason.Message,
          item: fromItem(reason.Item as Item | undefined, actions[i]?.plain ?? false),
        }));
        // The fence row itself was busy (a conflict, throttling): nobody's fault, so nobody's refusal.
        if (refusals.every((refusal) => refusal.code === "None")) throw error;
        return { dateMs: date.ms, done: false, fenced: false, refusals };
      }
    });
  }

  #row(election: string, sortKey: string) {
    return {
      TableName: this.tableName,
      Key: { [PARTITION_KEY]: s(election), [SORT_KEY]: s(sortKey) },
    };
  }

  #write(election: string, doing: string, update: Update, signal: AbortSignal): Promise<Written> {
    return this.#ask(doing, async (date) => {
      const command = date.from(
        new UpdateItemCommand({
          ...this.#row(election, LEASE_SORT_KEY),
          ...updateExpression(update),
          ReturnValues: "ALL_NEW",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      );
      try {
        const { Attributes } = await this.#client.send(command, { abortSignal: signal });
        return { dateMs: date.ms, done: true, lease: toLease(election, Attributes as Item) };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const lease: Lease | undefined = error.Item && toLease(election, error.Item as Item);
        return { dateMs: date.ms, done: false, lease };
      }
    });
  }

  async #ask<T>(doing: string, request: (date: DateHeader) => Promise<T>): Promise<T> {
    try {
      return await request(new DateHeader());
    } catch (error) {
      throw storeError(error, this.tableName, doing);
    }
  }
}

/** An acquire's condition: the pair as it was seen. */
function asSeen({ term, revision }: Basis) {
  return {
    condition: "#term = :seenTerm AND #revision = :seenRevision",
    values: { seenTerm: n(term), seenRevision: n(revision) },
  };
}

/** What was said of the tenure before, or for it. */
const CLEARED = {
  stepDown: undefined,
  reservedFor: undefined,
  reservedUntil: undefined,
  endReason: undefined,
  endedAt: undefined,
};
