import {
  DescribeTableCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { ErrorSummary, knownText } from "../../error-summary.js";
import { TransactionRefusedError } from "../../errors.js";
import type { Transacted } from "../../protocol/verbs.js";
import type { Item } from "../attribute.js";
import type { LeaseStore, TransactRequest } from "../lease-store.js";
import { LEASE_SORT_KEY } from "../schema.js";
import { type Action, fromItem, toTransactItem } from "../transaction.js";
import { transactionError } from "./errors.js";
import { fenceUpdate } from "./fence.js";
import { toLease } from "./lease-codec.js";
import { leaseOfRefusal } from "./lease-write.js";
import type { DynamoDBTable, Send } from "./table.js";

/** Users' fenced writes, to their own tables or the lease table. */
export function transactionVerbs(table: DynamoDBTable): Pick<LeaseStore, "transact" | "readKeyNames"> {
  return {
    transact(request, signal) {
      if (request.actions.length === 0) {
        return table.ask("decide a transaction", signal, (send) => useUp(send, table, request));
      }
      return table.ask("commit a transaction", signal, (send) => commit(send, table, request));
    },

    readKeyNames: (tableName, signal) =>
      table.named(tableName).ask("read a table's key", signal, async (send) => {
        const { Table } = await send(new DescribeTableCommand({ TableName: tableName }));
        return { names: Table?.KeySchema?.flatMap(({ AttributeName }) => AttributeName ?? []) ?? [] };
      }),
  };
}

async function commit(send: Send, table: DynamoDBTable, request: TransactRequest): Promise<Transacted> {
  const { election, actions } = request;
  const tableNames = [...new Set(actions.map(({ tableName }) => tableName))];
  const command = new TransactWriteItemsCommand({
    TransactItems: [{ Update: fenceOf(table, request) }, ...actions.map(toTransactItem)],
    ClientRequestToken: request.commit.id,
  });
  try {
    await send(command);
    return { done: true };
  } catch (error) {
    if (!(error instanceof TransactionCanceledException))
      throw transactionError(error, table.name, tableNames);
    return refusalOf(error, election, actions);
  }
}

function refusalOf(
  error: TransactionCanceledException,
  election: string,
  actions: readonly Action[],
): Transacted {
  const [row, ...reasons] = error.CancellationReasons ?? [];
  // There is no reason for each action: the request itself was wrong, or there was no answer.
  if (reasons.length !== actions.length) {
    throw row?.Code === "ValidationError"
      ? new TransactionRefusedError([], { cause: new ErrorSummary(error) })
      : error;
  }
  if (row?.Code === "ConditionalCheckFailed") {
    const lease = row.Item && toLease(election, row.Item as Item);
    const { attempts } = error.$metadata;
    return { done: false, fenced: true, lease, attempts };
  }
  const refusals = reasons.map((reason, i) => ({
    code: reason.Code ?? "None",
    message: knownText(reason.Message),
    item: fromItem(reason.Item as Item | undefined, actions[i]?.plain ?? false),
  }));
  // The lease row itself was busy (a conflict, throttling), so no action is refused.
  if (refusals.every((refusal) => refusal.code === "None")) throw error;
  return { done: false, fenced: false, refusals };
}

/** One update and no transaction, so it also works if DynamoDB refuses transactions. */
async function useUp(send: Send, table: DynamoDBTable, request: TransactRequest): Promise<Transacted> {
  try {
    await send(new UpdateItemCommand(fenceOf(table, request)));
    return { done: true };
  } catch (error) {
    return { done: false, fenced: true, lease: leaseOfRefusal(error, request.election) };
  }
}

function fenceOf(table: DynamoDBTable, request: TransactRequest) {
  return {
    ...table.rowOf(request.election, LEASE_SORT_KEY),
    ...fenceUpdate(request),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
  };
}
