import {
  type AttributeValue,
  BatchWriteItemCommand,
  type BatchWriteItemCommandOutput,
  DeleteTableCommand,
  type DynamoDBClient,
  PutItemCommand,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import { n, s } from "../store/attribute.js";
import { createItemsTable } from "./items-table.js";
import type { Payment } from "./payments.js";

/** A payment in the table. */
export interface LedgerPayment extends Payment {
  readonly position: number;
  readonly timesApplied: number;
  /** The terms under which it was applied. */
  readonly appliedUnder: readonly number[];
}

const BATCH = 25;

/**
 * The table that must be right at the end: one row for each payment and each account. Its writes have no condition, so
 * only the election's fence makes sure that no payment is applied twice.
 */
export class Ledger {
  constructor(
    private readonly client: DynamoDBClient,
    readonly tableName: string,
  ) {}

  async create(payments: readonly Payment[], signal: AbortSignal): Promise<void> {
    const { client, tableName: TableName } = this;
    await createItemsTable(client, TableName, signal);
    const items = payments.map(({ id, account, amountMinor, currency }, position) => ({
      PutRequest: {
        Item: {
          id: s(`payment#${id}`),
          kind: s("payment"),
          payment: s(id),
          account: s(account),
          amountMinor: n(amountMinor),
          currency: s(currency),
          position: n(position),
          timesApplied: n(0),
        },
      },
    }));
    for (let at = 0; at < items.length; at += BATCH) {
      let left: BatchWriteItemCommandOutput["UnprocessedItems"] = {
        [TableName]: items.slice(at, at + BATCH),
      };
      for (let tries = 0; left && Object.keys(left).length > 0; tries++) {
        signal.throwIfAborted();
        if (tries === 10) throw new Error(`table ${TableName} does not take the payments`);
        ({ UnprocessedItems: left } = await client.send(new BatchWriteItemCommand({ RequestItems: left })));
      }
    }
  }

  async drop(): Promise<void> {
    await this.client.send(new DeleteTableCommand({ TableName: this.tableName }));
  }

  /** The two updates of one payment. The caller writes both or none. */
  applying(payment: Payment, term: number) {
    const update = (
      id: string,
      expression: string,
      values: Record<string, { N: string } | { NS: string[] }>,
    ) => ({
      Update: {
        TableName: this.tableName,
        Key: { id: { S: id } },
        UpdateExpression: expression,
        ExpressionAttributeValues: values,
      },
    });
    return [
      update(`payment#${payment.id}`, "ADD timesApplied :one, appliedUnder :term", {
        ":one": { N: "1" },
        ":term": { NS: [String(term)] },
      }),
      update(`account#${payment.account}#${payment.currency}`, "ADD balance :amount", {
        ":amount": { N: String(payment.amountMinor) },
      }),
    ];
  }

  /** The payments that are not applied yet, in order: a new leader goes on with these. */
  async open(): Promise<LedgerPayment[]> {
    const { payments } = await this.read();
    return payments.filter(({ timesApplied }) => timesApplied === 0);
  }

  /** Records a refused write, so that the audit can count it. Not fenced, because it is no payment. */
  async recordRefusal(payment: Payment, term: number): Promise<void> {
    const Item = {
      id: s(`refused#${term}#${payment.id}`),
      kind: s("refused"),
      payment: s(payment.id),
      term: n(term),
    };
    await this.client.send(new PutItemCommand({ TableName: this.tableName, Item }));
  }

  /** All rows, with consistent reads. */
  async read() {
    const payments: LedgerPayment[] = [];
    const balances = new Map<string, bigint>();
    let refusals = 0;
    const pages = paginateScan({ client: this.client }, { TableName: this.tableName, ConsistentRead: true });
    for await (const { Items = [] } of pages) {
      for (const raw of Items) {
        if (raw.balance?.N !== undefined) balances.set(String(raw.id?.S), BigInt(raw.balance.N));
        else if (raw.kind?.S === "refused") refusals += 1;
        else payments.push(toPayment(raw));
      }
    }
    payments.sort((a, b) => a.position - b.position);
    return { payments, balances, refusals };
  }
}

function toPayment(item: Record<string, AttributeValue>): LedgerPayment {
  const text = (name: string) => item[name]?.S ?? "";
  const whole = (name: string) => Number(item[name]?.N ?? 0);
  return {
    id: text("payment"),
    account: text("account"),
    amountMinor: whole("amountMinor"),
    currency: text("currency"),
    position: whole("position"),
    timesApplied: whole("timesApplied"),
    appliedUnder: (item.appliedUnder?.NS ?? []).map(Number).sort((a, b) => a - b),
  };
}
