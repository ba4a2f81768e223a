import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { retry } from "../../async.js";
import { systemClock } from "../../clock.js";
import { DAY_MS } from "../../limits.js";
import { claimedTerm } from "../../protocol/forgotten.js";
import type { Founding } from "../../protocol/move.js";
import type { AcquireRequest, TermRecord, Written } from "../../protocol/verbs.js";
import { secureRandom } from "../../random.js";
import type { Item } from "../attribute.js";
import { LEASE_SORT_KEY, PARTITION_KEY, termSortKey } from "../schema.js";
import { all, asSeen, conditionExpression, notThere, termAsSeen } from "./conditions.js";
import { isAccessDenied } from "./errors.js";
import { attributes } from "./facts.js";
import { floorIs, readFloor } from "./floor.js";
import { toLease } from "./lease-codec.js";
import { foundation } from "./lease-updates.js";
import { writeLease } from "./lease-write.js";
import { ownVersion } from "./row-version.js";
import type { DynamoDBTable, Send } from "./table.js";
import { termRow } from "./term-codec.js";
import { type Update, updateExpression } from "./update-expression.js";

/** How long the history keeps a claim whose founder has not led: a day. */
const CLAIM_KEPT_MS = DAY_MS;

/** The writes that begin the next term of an election without a lease row. */
interface FoundingWrites {
  readonly lease: Update;
  /**
   * The term that follows the history and the floor that were read. It is refused if there is a row of it. Every founding
   * writes it, also one whose own term is higher. So only one of all candidates that read the same can found.
   */
  readonly claim: TermRecord;
  /** The term that begins, if it is not the same one. */
  readonly history: TermRecord | undefined;
}

/**
 * Founds in one transaction. The request for the placeholder can arrive twice, with a deletion of the row in between.
 * Even then no term is founded twice and no tick is forgotten. It costs three more writes, once.
 */
export function found(
  table: DynamoDBTable,
  request: AcquireRequest,
  founding: Founding,
  signal: AbortSignal,
): Promise<Written> {
  const { election, term, candidateId, leaseDurationMs, at: electedAt, atErrorMs: electedErrorMs } = request;
  const {
    highestTerm,
    floor,
    lastTick: lastTickBefore,
    tickResetTerm: tickResetTermBefore,
    tickBefore,
  } = founding;
  const ticks = { lastTickBefore, tickResetTermBefore };
  const begun = { term, holder: candidateId, leaseDurationMs, electedAt, electedErrorMs, ...ticks };
  const claimed = claimedTerm(founding);
  const writes: FoundingWrites = {
    lease: foundation(request, founding),
    claim: claimed === term ? begun : { term: claimed },
    history: claimed === term ? undefined : begun,
  };
  const transaction: TransactWriteItemsCommandInput = {
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
      // No name of its shard was forgotten since, whose term can have been this one.
      { ConditionCheck: floorIs(table, election, floor) },
    ],
    ClientRequestToken: request.attemptId,
  };
  return table.ask("acquire the lease", signal, async (send) => {
    try {
      const ask = async () => {
        signal.throwIfAborted();
        // A command takes the middleware of one request.
        await send(new TransactWriteItemsCommand(transaction));
      };
      await retry(ask, ON_CONFLICT);
      return { done: true, lease: toLease(election, attributes(writes.lease.set)) };
    } catch (error) {
      if (await takesNoTransactions(error, table, election, send)) {
        return foundInSteps(table, request, { ...writes, floor }, send);
      }
      if (!(error instanceof TransactionCanceledException)) throw error;
      if (!hasReason(error, "ConditionalCheckFailed")) throw error;
      const [row] = error.CancellationReasons ?? [];
      const item = row?.Item as Item | undefined;
      return { done: false, lease: item && toLease(election, item) };
    }
  });
}

/**
 * All foundings of a shard check one floor, and those that meet there refuse each other without having looked. Then the same
 * request is sent again. Its token lets it be carried out once.
 */
const ON_CONFLICT = {
  clock: systemClock,
  random: secureRandom,
  tries: 5,
  maxMs: 100,
  isTransient: isConflict,
};

function isConflict(error: unknown): boolean {
  return (
    error instanceof TransactionCanceledException &&
    hasReason(error, "TransactionConflict") &&
    !hasReason(error, "ConditionalCheckFailed")
  );
}

function hasReason({ CancellationReasons = [] }: TransactionCanceledException, code: string): boolean {
  return CancellationReasons.some(({ Code }) => Code === code);
}

/**
 * Tables with multi-Region strong consistency take no transactions. They refuse each one with a `ValidationException`.
 * Their candidates do not need the right to ConditionCheckItem. Without it IAM refuses a founding before DynamoDB looks at
 * the table. Then a transaction that needs no such right and changes nothing shows what kind of table it is.
 */
async function takesNoTransactions(
  error: unknown,
  table: DynamoDBTable,
  election: string,
  send: Send,
): Promise<boolean> {
  if (!isAccessDenied(error)) return isInvalid(error);
  const nothing = {
    ...table.rowOf(election, LEASE_SORT_KEY),
    UpdateExpression: "REMOVE #nothing",
    ConditionExpression: "attribute_exists(#pk) AND attribute_not_exists(#pk)",
    ExpressionAttributeNames: { "#pk": PARTITION_KEY, "#nothing": "nothing" },
  };
  try {
    await send(new TransactWriteItemsCommand({ TransactItems: [{ Update: nothing }] }));
    return false;
  } catch (answer) {
    if (isInvalid(answer)) return true;
    if (answer instanceof TransactionCanceledException || isAccessDenied(answer)) return false;
    throw answer;
  }
}

function isInvalid(error: unknown): boolean {
  return error instanceof Error && error.name === "ValidationException";
}

/**
 * Writes the next term into the history first. A candidate whose write is refused does not found. If a later step
 * fails, the term's number is lost, and the next founder waits for a leader that never was. If the floor has changed, it does
 * not wait.
 */
async function foundInSteps(
  table: DynamoDBTable,
  { election, at }: AcquireRequest,
  { lease, claim, floor }: FoundingWrites & { readonly floor: number | undefined },
  send: Send,
): Promise<Written> {
  try {
    await send(new UpdateItemCommand(newTerm(table, election, claim)));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { done: false, lease: undefined };
  }
  if ((await readFloor(send, table, election, true)) === floor) {
    return writeLease(send, table, election, lease);
  }
  if (at !== undefined) {
    const update = new UpdateItemCommand(neverLed(table, election, claim, at));
    // If it fails, the next founder waits.
    await send(update).catch(() => {});
  }
  return { done: false, lease: undefined };
}

/**
 * Rule 13f. The claim counts as given back. Its founder has sent no acquire, and it has waited for every leader before, so
 * nobody can lead.
 */
function neverLed(table: DynamoDBTable, election: string, { term, holder }: TermRecord, at: number) {
  return {
    ...table.rowOf(election, termSortKey(term)),
    ...updateExpression({
      condition: all(termAsSeen({ term }), asSeen("holder", holder)),
      set: { ttl: Math.ceil((at + CLAIM_KEPT_MS) / 1_000) },
    }),
  };
}

function newTerm(table: DynamoDBTable, election: string, record: TermRecord) {
  return {
    ...table.rowOf(election, termSortKey(record.term)),
    ...updateExpression({ condition: notThere, set: { ...termRow(record), ...ownVersion } }),
  };
}

function tickIs(table: DynamoDBTable, election: string, term: number, tick: string | undefined) {
  return {
    ...table.rowOf(election, termSortKey(term)),
    ...conditionExpression(asSeen("lastTick", tick)),
  };
}
