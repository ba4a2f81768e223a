import {
  ConditionalCheckFailedException,
  type ConditionCheck,
  type DynamoDBClient,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type Update,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Written } from "../../protocol/verbs.js";
import type { Item } from "../attribute.js";
import type { DateHeader } from "./date-header.js";
import { toLease } from "./lease-codec.js";

/** The two writes that found an election's next term where there was no row. */
export interface FoundingWrites {
  readonly election: string;
  readonly lease: UpdateOfRow;
  /**
   * The term that follows the history as it was read: refused if it is there already. Every founding claims it, also
   * one whose own term is higher, so that of all who read the same history one founds.
   */
  readonly claim: UpdateOfRow;
  /** The term that begins, if it is another one. */
  readonly history: UpdateOfRow | undefined;
  /** Refused if the last term completed a tick since its history was read; undefined: there is none. */
  readonly before: ConditionCheck | undefined;
  /** The lease as it is after both. */
  readonly founded: Item;
  readonly token: string;
}

export type UpdateOfRow = Update & { UpdateExpression: string };

/** What the writes are sent with. */
export interface Sending {
  readonly client: Pick<DynamoDBClient, "send">;
  readonly date: DateHeader;
  readonly signal: AbortSignal;
}

/**
 * In one transaction: should the placeholder's request arrive twice, with a deletion in between, a term that was
 * founded is still not founded again, nor a tick forgotten. Two extra writes, once.
 */
export async function found(writes: FoundingWrites, sending: Sending): Promise<Written> {
  const { election, lease, claim, history, before, founded, token } = writes;
  const { client, date, signal } = sending;
  const all = "ALL_OLD" as const;
  const command = date.from(
    new TransactWriteItemsCommand({
      TransactItems: [
        { Update: { ...lease, ReturnValuesOnConditionCheckFailure: all } },
        { Update: claim },
        ...(history ? [{ Update: history }] : []),
        ...(before ? [{ ConditionCheck: before }] : []),
      ],
      ClientRequestToken: token,
    }),
  );
  try {
    await client.send(command, { abortSignal: signal });
    return { dateMs: date.ms, done: true, lease: toLease(election, founded) };
  } catch (error) {
    if (isNoTransactions(error)) return foundInSteps(writes, sending);
    if (!(error instanceof TransactionCanceledException)) throw error;
    const reasons = error.CancellationReasons ?? [];
    if (!reasons.some((reason) => reason.Code === "ConditionalCheckFailed")) throw error;
    const [row] = reasons;
    const item = row?.Item as Item | undefined;
    return { dateMs: date.ms, done: false, lease: item && toLease(election, item) };
  }
}

/** Tables with multi-Region strong consistency take no transactions, and say so of any. */
function isNoTransactions(error: unknown): boolean {
  return error instanceof Error && error.name === "ValidationException";
}

/**
 * The next term is put into history first: whoever does not get in does not found it. A step that fails after it wastes
 * the term's number, and costs who comes next the wait for a term that nobody led.
 */
async function foundInSteps(writes: FoundingWrites, { client, date, signal }: Sending): Promise<Written> {
  const { election, lease } = writes;
  const claim = date.from(new UpdateItemCommand(writes.claim));
  try {
    await client.send(claim, { abortSignal: signal });
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { dateMs: date.ms, done: false, lease: undefined };
  }
  const take = date.from(
    new UpdateItemCommand({
      ...lease,
      ReturnValues: "ALL_NEW",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    }),
  );
  try {
    const { Attributes } = await client.send(take, { abortSignal: signal });
    return { dateMs: date.ms, done: true, lease: toLease(election, Attributes as Item) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    const item = error.Item as Item | undefined;
    return { dateMs: date.ms, done: false, lease: item && toLease(election, item) };
  }
}
