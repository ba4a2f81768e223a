import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Founding } from "../../protocol/takeover.js";
import type { AcquireRequest, TermRecord, Written } from "../../protocol/verbs.js";
import { type Item, s } from "../attribute.js";
import { LEASE_SORT_KEY, termSortKey } from "../schema.js";
import { asSeen, conditionExpression, notThere } from "./conditions.js";
import { optional, toLease, withoutAbsent } from "./lease-codec.js";
import { foundation } from "./lease-updates.js";
import { writeLease } from "./lease-write.js";
import type { DynamoDBTable, Send } from "./table.js";
import { termRow } from "./term-codec.js";
import { type Update, updateExpression } from "./update-expression.js";

/** The writes that found an election's next term where there was no lease row. */
interface FoundingWrites {
  readonly lease: Update;
  /**
   * The term that follows the history as it was read: refused if it is there already. Every founding claims it, also
   * one whose own term is higher, so that of all who read the same history one founds.
   */
  readonly claim: TermRecord;
  /** The term that begins, if it is another one. */
  readonly history: TermRecord | undefined;
}

/**
 * In one transaction: should the placeholder's request arrive twice, with a deletion in between, a term that was
 * founded is still not founded again, nor a tick forgotten. Two extra writes, once.
 */
export function found(
  table: DynamoDBTable,
  request: AcquireRequest,
  { highestTerm, lastTick, tickBefore }: Founding,
  signal: AbortSignal,
): Promise<Written> {
  const { election, term, candidateId, leaseDurationMs, at } = request;
  const begun = { term, holder: candidateId, leaseDurationMs, electedAt: at, lastTickBefore: lastTick };
  const claimed = highestTerm + 1;
  const writes: FoundingWrites = {
    lease: foundation(request, lastTick),
    claim: claimed === term ? begun : { term: claimed },
    history: claimed === term ? undefined : begun,
  };
  const command = new TransactWriteItemsCommand({
    TransactItems: [
      {
        Update: {
          ...table.rowOf(election, LEASE_SORT_KEY),
          ...updateExpression(writes.lease),
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
      { Update: newTerm(table, election, writes.claim) },
      ...(writes.history ? [{ Update: newTerm(table, election, writes.history) }] : []),
      // The last term has completed no tick since its history was read.
      ...(highestTerm > 0 ? [{ ConditionCheck: tickIs(table, election, highestTerm, tickBefore) }] : []),
    ],
    ClientRequestToken: request.attemptId,
  });
  return table.ask("acquire the lease", signal, async (send) => {
    try {
      await send(command);
      return { done: true, lease: toLease(election, withoutAbsent(writes.lease.set)) };
    } catch (error) {
      if (isNoTransactions(error)) return foundInSteps(table, election, writes, send);
      if (!(error instanceof TransactionCanceledException)) throw error;
      const reasons = error.CancellationReasons ?? [];
      if (!reasons.some((reason) => reason.Code === "ConditionalCheckFailed")) throw error;
      const [row] = reasons;
      const item = row?.Item as Item | undefined;
      return { done: false, lease: item && toLease(election, item) };
    }
  });
}

/** Tables with multi-Region strong consistency take no transactions, and say so of any. */
function isNoTransactions(error: unknown): boolean {
  return error instanceof Error && error.name === "ValidationException";
}

/**
 * The next term is put into history first: whoever does not get in does not found it. A step that fails after it wastes
 * the term's number, and costs who comes next the wait for a term that nobody led.
 */
async function foundInSteps(
  table: DynamoDBTable,
  election: string,
  { lease, claim }: FoundingWrites,
  send: Send,
): Promise<Written> {
  try {
    await send(new UpdateItemCommand(newTerm(table, election, claim)));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { done: false, lease: undefined };
  }
  return writeLease(send, table, election, lease);
}

function newTerm(table: DynamoDBTable, election: string, record: TermRecord) {
  return {
    ...table.rowOf(election, termSortKey(record.term)),
    ...updateExpression({ condition: notThere, set: termRow(record) }),
  };
}

function tickIs(table: DynamoDBTable, election: string, term: number, tick: string | undefined) {
  return {
    ...table.rowOf(election, termSortKey(term)),
    ...conditionExpression(asSeen("lastTick", optional(s, tick))),
  };
}
