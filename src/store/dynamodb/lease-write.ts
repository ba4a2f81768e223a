import { ConditionalCheckFailedException, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { Lease } from "../../protocol/lease.js";
import type { Written } from "../../protocol/verbs.js";
import type { Item } from "../attribute.js";
import { LEASE_SORT_KEY } from "../schema.js";
import { toLease } from "./lease-codec.js";
import type { DynamoDBTable, Send } from "./table.js";
import { type Update, updateExpression } from "./update-expression.js";

export function leaseCommand(table: DynamoDBTable, election: string, update: Update): UpdateItemCommand {
  return new UpdateItemCommand({
    ...table.rowOf(election, LEASE_SORT_KEY),
    ...updateExpression(update),
    ReturnValues: "ALL_NEW",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  });
}

/** The row after the write or, if the write was refused, the row as it is. */
export async function writeLease(
  send: Send,
  table: DynamoDBTable,
  election: string,
  update: Update,
): Promise<Written> {
  try {
    const { Attributes } = await send(leaseCommand(table, election, update));
    return { done: true, lease: toLease(election, Attributes as Item) };
  } catch (error) {
    return { done: false, lease: leaseOfRefusal(error, election) };
  }
}

/** The lease row that came with a refusal. Throws any other error again. */
export function leaseOfRefusal(error: unknown, election: string): Lease | undefined {
  if (!(error instanceof ConditionalCheckFailedException)) throw error;
  return error.Item && toLease(election, error.Item as Item);
}
