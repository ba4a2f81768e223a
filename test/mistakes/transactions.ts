import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { Election, type Leadership, Operator, type TransactionAction } from "../../src/index.js";
import { newClient } from "../support/fixture.js";
import type { Section } from "./section.js";
import { LEASES, LEDGER, PATIENT, tables } from "./tables.js";
import { denied, refusing } from "./wire.js";

/** Against a real table: what is not refused here is refused by DynamoDB. */

const leading =
  (
    use: (leadership: Leadership) => unknown,
    endpoint: () => unknown = () => undefined,
    name = "billing/nightly",
  ) =>
  async () => {
    await tables();
    const client = newClient((await endpoint()) as string | undefined);
    await using leadership = await new Election({
      client,
      tableName: LEASES,
      name,
      label: "worker-1",
      ...PATIENT,
    }).campaign();
    return await use(leadership);
  };
/** A call with these actions, whatever their types. */
const sending = (...actions: unknown[]) =>
  leading((leadership) => leadership.transact(actions as TransactionAction[]));

const ledger = { TableName: LEDGER };
const put = (Item: Record<string, unknown>) => ({ Put: { ...ledger, Item } });
const Key = { id: "1" };
const update = (parts: object) => ({
  Update: { ...ledger, Key, UpdateExpression: "SET paid = :yes", ...parts },
});

export const transactions: Section = {
  title: "Transactions",
  mistakes: {
    "no actions": sending(),
    "an action in place of an array": leading((leadership) => leadership.transact(put({ id: "1" }) as never)),
    "100 actions": sending(...Array.from({ length: 100 }, (_, i) => put({ id: String(i) }))),
    "an unknown operation: `{ Get: … }`": sending({ Get: { ...ledger, Key } }),
    "two operations in one action": sending({ ...put({ id: "1" }), Delete: { ...ledger, Key } }),
    "a command in place of an action: `new PutCommand(…)`": sending(
      new PutCommand({ ...ledger, Item: { id: "1" } }),
    ),
    "no `TableName`": sending({ Put: { Item: { id: "1" } } }),
    "`Key` in place of `Item` in a `Put`": sending({ Put: { ...ledger, Key } }),
    "a `Delete` without `Key`": sending({ Delete: { ...ledger } }),
    "a misspelt part: `ConditonExpression`": sending({
      Delete: { ...ledger, Key, ConditonExpression: "paid = :no" },
    }),
    "an `Update` without `UpdateExpression`": sending({ Update: { ...ledger, Key } }),
    "a `ConditionCheck` without `ConditionExpression`": sending({ ConditionCheck: { ...ledger, Key } }),
    "the same item twice, by its key": sending(
      { Delete: { ...ledger, Key } },
      update({ ExpressionAttributeValues: { ":yes": true } }),
    ),
    "the same item twice, in two `Put`s": sending(put({ id: "1" }), put({ id: "1" })),
    "the election's own lease row": sending({
      Update: {
        TableName: LEASES,
        Key: { pk: "billing/nightly", sk: "lease" },
        UpdateExpression: "SET note = :note",
        ExpressionAttributeValues: { ":note": "mine" },
      },
    }),
    "an item without its key": sending(put({ name: "ana" })),
    "a key with another name": sending({ Delete: { ...ledger, Key: { account: "1" } } }),
    "a key of another type: `{ id: 1 }`": sending({ Delete: { ...ledger, Key: { id: 1 } } }),
    'an empty key: `{ id: "" }`': sending(put({ id: "" })),
    'an attribute value among plain ones: `{ id: "1", paid: { BOOL: true } }`': sending(
      put({ id: "1", paid: { BOOL: true } }),
    ),
    'a plain value among attribute values: `{ id: { S: "1" }, paid: true }`': sending(
      put({ id: { S: "1" }, paid: true }),
    ),
    "plain `ExpressionAttributeValues` beside an attribute-value key": sending(
      update({ Key: { id: { S: "1" } }, ExpressionAttributeValues: { ":yes": true } }),
    ),
    "attribute-value `ExpressionAttributeValues` beside a plain key": sending(
      update({ ExpressionAttributeValues: { ":yes": { BOOL: true } } }),
    ),
    "a `Date`": sending(put({ id: "1", at: new Date(0) })),
    "`NaN`": sending(put({ id: "1", cents: Number.NaN })),
    "a number beyond exact integers": sending(put({ id: "1", cents: 2 ** 60 })),
    "a function": sending(put({ id: "1", at: Date.now })),
    "an instance of a class": sending(put({ id: "1", home: new URL("http://10.0.0.7") })),
    "an empty `Set`": sending(put({ id: "1", tags: new Set() })),
    "an object that contains itself": sending(
      put({
        id: "1",
        tree: (() => {
          const tree: Record<string, unknown> = {};
          tree.self = tree;
          return tree;
        })(),
      }),
    ),
    "a syntax error in an expression": sending(
      update({ UpdateExpression: "SET paid := :yes", ExpressionAttributeValues: { ":yes": true } }),
    ),
    "a reserved word as an attribute's name": sending(
      update({ UpdateExpression: "SET status = :yes", ExpressionAttributeValues: { ":yes": true } }),
    ),
    "a value that no expression uses": sending(
      update({ ExpressionAttributeValues: { ":yes": true, ":no": false } }),
    ),
    "a condition that does not hold": sending({
      Delete: { ...ledger, Key, ConditionExpression: "attribute_exists(id)" },
    }),
    "a leader that was evicted and has not noticed it yet": leading(
      async (leadership) => {
        await new Operator({ client: newClient(), tableName: LEASES, name: leadership.election }).evict();
        await leadership.transact([put({ id: "1" })]);
      },
      undefined,
      "billing/evicted",
    ),
    "no permission for `DescribeTable` on the other table (a warning)": leading(
      (leadership) =>
        new Promise((said, failed) => {
          process.once("warning", ({ message }) => said(message));
          leadership.transact([put({ id: "1" })]).catch(failed);
        }),
      () => refusing("DescribeTable", denied("dynamodb:DescribeTable", LEDGER)),
    ),
    "a table that does not exist": sending({ Put: { TableName: "ledgr", Item: { id: "1" } } }),
    "two tables, of which one does not exist": sending(put({ id: "1" }), {
      Put: { TableName: "ledgr", Item: { id: "1" } },
    }),
    "no permission for `PutItem` on the other table": leading(
      (leadership) => leadership.transact([put({ id: "1" })]),
      () => refusing("TransactWriteItems", denied("dynamodb:PutItem", LEDGER)),
    ),
    '`keys` that are no lists: `{ keys: { ledger: "id" } }`': leading((leadership) =>
      leadership.transact([put({ id: "1" })], { keys: { ledger: "id" } as never }),
    ),
  },
};
