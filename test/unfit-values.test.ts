import { randomUUID } from "node:crypto";
import { DeleteItemCommand, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, NumberValueImpl as NumberValue, unmarshall } from "@aws-sdk/util-dynamodb";
import fc from "fast-check";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { Election, InvalidOptionError, type TransactionAction } from "../src/index.js";
import type { Attribute } from "../src/store/attribute.js";
import { isAttributeValue } from "../src/store/fencing.js";
import { fromItem, toAction } from "../src/store/transaction.js";
import { createLeaseTable, MemoryTable } from "../src/testing/index.js";
import { startFaultProxy } from "./support/fault-proxy.js";
import { newClient, newTable } from "./support/fixture.js";

/** Values that DynamoDB cannot hold are refused before anything is sent; those that it can hold are sent as they are. */

const client = newClient();
let ledger: string;
beforeAll(async () => {
  ledger = await newTable(client);
});

class Money {
  constructor(readonly cents: number) {}
}
const cyclic: Record<string, unknown> = {};
cyclic.self = [cyclic];
const nested = (levels: number, inner: unknown): unknown =>
  levels === 0 ? inner : levels % 2 ? [nested(levels - 1, inner)] : { k: nested(levels - 1, inner) };
const throwing = Object.defineProperty({}, "cents", {
  enumerable: true,
  get() {
    throw new Error("4111");
  },
});
const refusalOf = (action: unknown): InvalidOptionError => {
  try {
    toAction(action as TransactionAction, 0);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError);
    return error as InvalidOptionError;
  }
  return expect.unreachable("it was taken");
};
const put = (amount: unknown) => ({ Put: { TableName: "ledger", Item: { id: "1", amount } } });
const putAttribute = (amount: unknown) => ({
  Put: { TableName: "ledger", Item: { id: { S: "1" }, amount } },
});

/** What it is, the value, what the rule says, what the kind is. */
const PLAIN: Array<[string, unknown, RegExp, string]> = [
  ["a Date", new Date(0), /dates/, "an object of class Date"],
  ["an instance of a class", new Money(4111), /classes/, "an object of class Money"],
  ["NaN", Number.NaN, /finite/, "the number NaN"],
  ["Infinity", Number.POSITIVE_INFINITY, /finite/, "the number Infinity"],
  ["−Infinity", Number.NEGATIVE_INFINITY, /finite/, "the number -Infinity"],
  ["a number that lost digits", 2 ** 53, /bigint or NumberValue/, "a number beyond that"],
  ["a number too small", 1e-131, /1E-130/, "a number beyond that"],
  ["a bigint of 39 digits", BigInt("4".repeat(39)), /38 digits/, "a number of 39 digits"],
  ["a bigint too large", 10n ** 126n, /9\.9…E\+125/, "a number beyond that"],
  ["a NumberValue that is none", new NumberValue("4111x"), /decimal/, "figures that are none"],
  ["a symbol", Symbol("4111"), /can hold/, "a symbol"],
  ["a function", () => 4111, /can hold/, "a function"],
  ["a cycle", cyclic, /contain itself/, "a plain object"],
  ["33 levels", nested(32, 4111), /32 levels/, "a number"],
  ["an empty set", new Set(), /empty set/, "an empty set"],
  ["a set of two kinds", new Set([4111, "4111"]), /set of strings/, "a set of other values"],
  ["a set of dates", new Set([new Date(0)]), /set of strings/, "a set of other values"],
  ["a set with 1 and 1n", new Set([1, 1n]), /different members/, "a set that has a member twice"],
  ["a set with NaN", new Set([Number.NaN]), /finite/, "a set of other values"],
  ["a map keyed by numbers", new Map([[4111, "x"]]), /names of a map/, "an object of class Map"],
  ["a Blob", new Blob(["4111"]), /classes/, "an object of class Blob"],
];

describe("plain values", () => {
  test.each(PLAIN)("%s", (_what, value, rule, kind) => {
    const top = refusalOf(put(value));
    expect(top.option).toMatch(/^actions\[0\]\.Put\.Item\.amount( \(\d+ levels? down\))?$/);
    expect(top.rule).toMatch(rule);
    if (!(value instanceof Set)) expect(top.received).toBe(kind);
    expect(top.message).not.toContain("4111");
    // Deeper: only the top-level name and the depth are told.
    if (_what === "33 levels") return;
    const below = refusalOf(put({ "acct-4111": [value] }));
    expect(below.option).toMatch(/^actions\[0\]\.Put\.Item\.amount \(\d+ levels? down\)$/);
    expect(below.message).not.toContain("4111");
  });

  test("a getter that throws", () => {
    const { option, received, message } = refusalOf(put(throwing));
    expect({ option, received }).toEqual({ option: "actions[0]", received: "an error of class Error" });
    expect(message).not.toContain("4111");
  });

  test.each(["Update", "Delete", "ConditionCheck"])("in the key and the values of %s", (kind) => {
    const refused = (parts: object) =>
      refusalOf({ [kind]: { TableName: "ledger", Key: { id: "1" }, ...parts } }).option;
    expect(refused({ Key: { id: Number.NaN } })).toBe(`actions[0].${kind}.Key.id`);
    const values = { ExpressionAttributeValues: { ":at": new Date() } };
    expect(refused(values)).toBe(`actions[0].${kind}.ExpressionAttributeValues[":at"]`);
  });

  test("a name that looks like content is not told", () => {
    const { option } = refusalOf({
      Put: { TableName: "ledger", Item: { id: "1", "acct 4111": Number.NaN } },
    });
    expect(option).toBe("actions[0].Put.Item (attribute 2)");
  });
});

const ATTRIBUTES: Array<[string, unknown, RegExp]> = [
  ["NaN", { N: "NaN" }, /decimal/],
  ["Infinity", { N: "Infinity" }, /decimal/],
  ["a number without quotes", { N: 4111 }, /as a string/],
  ["39 digits", { N: "4".repeat(39) }, /38 digits/],
  ["too large", { N: "1e126" }, /9\.9…E\+125/],
  ["an empty set", { SS: [] }, /empty set/],
  ["one member twice", { NS: ["4111", "4111.0"] }, /different/],
  ["a string that is a number", { S: 4111 }, /string as S/],
  ["bytes that are text", { B: "4111" }, /Uint8Array/],
  ["NULL that is false", { NULL: false }, /true as NULL/],
  ["BOOL that is text", { BOOL: "true" }, /BOOL/],
  ["a list that is none", { L: { 0: { S: "4111" } } }, /array/],
  ["a map of a class", { M: new Money(4111) }, /plain object as M/],
  ["a plain value inside", { L: ["4111"] }, /attribute value/],
];

describe("attribute values", () => {
  test.each(ATTRIBUTES)("%s", (_what, value, rule) => {
    const { option, rule: told, message } = refusalOf(putAttribute(value));
    expect(option).toMatch(/^actions\[0\]\.Put\.Item\.amount( \(1 level down\))?$/);
    expect(told).toMatch(rule);
    expect(message).not.toContain("4111");
  });

  test("a plain value beside a key in attribute form", () => {
    const Update = { TableName: "ledger", Key: { id: { S: "1" } }, UpdateExpression: "SET a = :a" };
    const { option, rule } = refusalOf({
      Update: { ...Update, ExpressionAttributeValues: { ":a": "4111" } },
    });
    expect(option).toBe('actions[0].Update.ExpressionAttributeValues[":a"]');
    expect(rule).toContain("attribute value");
  });
});

/** Names of attributes. The SDK loses one that is called `__proto__`. */
const named = fc.string().filter((name) => name !== "__proto__");

test("what is taken is what the SDK's own conversion makes of it, to the letter", () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    fc
      .double({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1, noNaN: true })
      .map((n) => (Math.abs(n) < 1e-130 ? 0 : n)),
    fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }),
    fc.uint8Array(),
    fc.uniqueArray(fc.string(), { minLength: 1 }).map((members) => new Set(members)),
    fc.uniqueArray(fc.integer(), { minLength: 1 }).map((members) => new Set(members)),
    fc.bigInt({ min: 0n, max: 10n ** 37n }).map((n) => new NumberValue(n)),
    fc.constant(undefined),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      leaf,
      fc.array(tie("value")),
      fc.dictionary(named, tie("value")),
      fc.array(fc.tuple(named, tie("value"))).map((entries) => new Map(entries)),
    ),
  }));
  fc.assert(
    fc.property(value, (amount) => {
      // An attribute value, which is refused among plain ones.
      fc.pre(!isAttributeValue(amount));
      // The SDK looks at an attribute of that name for the class of a map.
      fc.pre(
        !JSON.stringify(amount, (_, one) => (typeof one === "bigint" ? "" : one))?.includes("constructor"),
      );
      const { keyOrItem } = toAction(put(amount), 0);
      expect(keyOrItem).toEqual(marshall({ id: "1", amount }, { removeUndefinedValues: true }));
    }),
  );
});

test("a refusal brings back each item as the SDK's own conversion makes it", () => {
  const number = fc.oneof(
    fc.integer().map(String),
    fc.double({ min: -1, max: 1, noNaN: true }).map(String),
    fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }).map(String),
  );
  const set = <T>(member: fc.Arbitrary<T>) => fc.uniqueArray(member, { minLength: 1 });
  const { attribute } = fc.letrec<{ attribute: Attribute }>((tie) => ({
    attribute: fc.oneof(
      { depthSize: "small" },
      fc.string().map((S) => ({ S })),
      number.map((N) => ({ N })),
      fc.uint8Array().map((B) => ({ B })),
      fc.boolean().map((BOOL) => ({ BOOL })),
      fc.constant<Attribute>({ NULL: true }),
      set(fc.string()).map((SS) => ({ SS })),
      set(number).map((NS) => ({ NS })),
      set(fc.uint8Array()).map((BS) => ({ BS })),
      fc.array(tie("attribute")).map((L) => ({ L })),
      fc.dictionary(named, tie("attribute")).map((M) => ({ M })),
    ),
  }));
  fc.assert(
    fc.property(attribute, (amount) => {
      const item = { id: { S: "1" }, amount };
      expect(fromItem(item, true)).toEqual(unmarshall(item as Parameters<typeof unmarshall>[0]));
      expect(fromItem(item, false)).toBe(item);
    }),
  );
});

test("a refusal is told though the item holds a number that the SDK cannot convert: the number comes as text", async () => {
  await createLeaseTable(client);
  await using leadership = await new Election({ client, name: `e/${randomUUID()}` }).campaign();
  const id = randomUUID();
  const n = "9007199254740993.5";
  await client.send(new PutItemCommand({ TableName: ledger, Item: { id: { S: id }, n: { N: n } } }));
  const again = { TableName: ledger, Item: { id }, ConditionExpression: "attribute_not_exists(id)" };
  const put = { ...again, ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const };
  await expect(leadership.transact([{ Put: put }])).rejects.toMatchObject({
    code: "TRANSACTION_REFUSED",
    refusals: [{ code: "ConditionalCheckFailed", item: { id, n } }],
  });
});

describe("one action has values of one form", () => {
  const Key = { id: "1" };
  test.each<[string, TransactionAction, string]>([
    ["an attribute value in a plain item", put({ BOOL: true }), "actions[0].Put.Item.amount"],
    [
      "a plain value beside an attribute value",
      { Put: { TableName: "ledger", Item: { id: { S: "1" }, paid: true } } },
      "actions[0].Put.Item.id",
    ],
    [
      "attribute values for a plain key",
      {
        Update: {
          TableName: "ledger",
          Key,
          UpdateExpression: "SET a = :a",
          ExpressionAttributeValues: { ":a": { N: "1" } },
        },
      },
      'actions[0].Update.ExpressionAttributeValues[":a"]',
    ],
  ])("%s is refused", (_what, action, option) => {
    expect(refusalOf(action)).toMatchObject({
      option,
      rule: expect.stringContaining("an action has plain values or attribute values, not both"),
    });
  });

  test("a map whose name is that of a type is taken below the top level, and with attribute values", () => {
    expect(toAction(put({ size: { S: "small" } }), 0).keyOrItem.amount).toEqual({
      M: { size: { M: { S: { S: "small" } } } },
    });
    expect(toAction(putAttribute({ M: { S: { S: "small" } } }), 0).keyOrItem.amount).toEqual({
      M: { S: { S: "small" } },
    });
  });
});

describe("parts of an action", () => {
  test.each(["Put", "Update", "Delete", "ConditionCheck"] as const)(
    "of a %s that are unknown are refused",
    (kind) => {
      const parts = { TableName: "ledger", Key: { id: "1" }, Item: { id: "1" } };
      const { Key, Item, ...rest } = parts;
      const given = {
        ...rest,
        ...(kind === "Put" ? { Item } : { Key }),
        ConditonExpression: "attribute_exists(id)",
      };
      const error = refusalOf({ [kind]: given });
      expect(error).toMatchObject({
        option: `actions[0].${kind}.ConditonExpression`,
        suggestion: `actions[0].${kind}.ConditionExpression`,
      });
      if (kind !== "Put")
        expect(refusalOf({ [kind]: { ...parts, ConditionExpression: "a" } }).option).toBe(
          `actions[0].${kind}`,
        );
    },
  );

  test("without which there is nothing to do are needed", () => {
    const Update = { TableName: "ledger", Key: { id: "1" } };
    expect(refusalOf({ Update }).option).toBe("actions[0].Update.UpdateExpression");
    expect(refusalOf({ ConditionCheck: Update }).option).toBe(
      "actions[0].ConditionCheck.ConditionExpression",
    );
  });
});

describe("two actions on one item are refused before anything is sent, as far as the keys are known", () => {
  const Key = { id: "1" };
  const Put = { TableName: "ledger", Item: { id: "1", paid: true } };
  const Delete = { TableName: "ledger", Key };
  test.each<[string, TransactionAction[], Record<string, string[]>?]>([
    ["two that have keys", [{ Delete }, { Delete: { ...Delete } }]],
    ["a Put after one that has a key", [{ Delete }, { Put }]],
    ["two Puts into a table whose key is given", [{ Put }, { Put }], { ledger: ["id"] }],
  ])("%s", async (_what, actions, keys) => {
    const store = new MemoryTable({ keys: { ledger: ["id"] } });
    await using leadership = await new Election({ store, name: "e" }).campaign();
    await expect(leadership.transact(actions, { keys })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      option: "actions[1]",
    });
    expect(store.items("ledger")).toEqual([]);
  });

  test("others are not", async () => {
    const store = new MemoryTable({ keys: { ledger: ["id"], orders: ["id"] } });
    await using leadership = await new Election({ store, name: "e" }).campaign();
    await leadership.transact([
      { Put },
      { Delete: { ...Delete, Key: { id: "2" } } },
      { Put: { ...Put, TableName: "orders" } },
      { Put: { ...Put, Item: { id: "3" } } },
    ]);
    expect(store.items("ledger")).toHaveLength(2);
  });
});

test("bytes are copied: what is sent again is what was sent before", () => {
  const note = new Uint8Array([1, 2, 3]);
  const { keyOrItem } = toAction({ Put: { TableName: "ledger", Item: { id: "1", note } } }, 0);
  note.fill(0);
  expect(keyOrItem.note).toEqual({ B: new Uint8Array([1, 2, 3]) });
  const view = new DataView(new Uint8Array([7, 8, 9]).buffer, 1);
  expect(toAction(put(view), 0).keyOrItem.amount).toEqual({ B: new Uint8Array([8, 9]) });
});

describe("DynamoDB's own limits are ours", () => {
  const edge: Array<[string, unknown, unknown]> = [
    ["32 levels", nested(31, 1), nested(32, 1)],
    ["38 digits", BigInt("4".repeat(38)), BigInt("4".repeat(39))],
    ["a bigint of one digit and many zeros", 10n ** 125n, 10n ** 126n],
    ["a small number", 1e-130, 1e-131],
  ];
  test.each(edge)("%s", async (_what, within, beyond) => {
    const id = randomUUID();
    const { keyOrItem } = toAction({ Put: { TableName: ledger, Item: { id, within } } }, 0);
    await client.send(new PutItemCommand({ TableName: ledger, Item: keyOrItem as never }));
    const { Item } = await client.send(new GetItemCommand({ TableName: ledger, Key: { id: { S: id } } }));
    expect(Item?.within).toBeDefined();
    refusalOf({ Put: { TableName: ledger, Item: { id, beyond } } });
    await client.send(new DeleteItemCommand({ TableName: ledger, Key: { id: { S: id } } }));
    // What we refuse, DynamoDB refuses as well.
    const Item2 = { id: { S: id }, beyond: marshall({ beyond }, { allowImpreciseNumbers: true }).beyond };
    const sent = client.send(new PutItemCommand({ TableName: ledger, Item: Item2 as never }));
    await expect(sent).rejects.toMatchObject({ name: "ValidationException" });
  });
});

test("a refused call sends nothing, and the calls beside it are committed", async () => {
  await createLeaseTable(client);
  await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
  const election = new Election({ client: newClient(proxy.endpoint), name: `e/${randomUUID()}` });
  await using leadership = await election.campaign();
  const before = proxy.requests.filter(({ operation }) => operation === "TransactWriteItems").length;
  const id = randomUUID();
  const putInto = (item: object) => ({ Put: { TableName: ledger, Item: { id, ...item } } });
  for (const [, value] of PLAIN) {
    const refused = leadership.transact([putInto({ id: "other" }), putInto({ value })]);
    await expect(refused).rejects.toMatchObject({ code: "INVALID_OPTION" });
  }
  expect(proxy.requests.filter(({ operation }) => operation === "TransactWriteItems")).toHaveLength(before);
  const [good, bad] = await Promise.allSettled([
    leadership.transact([putInto({ n: 1 })]),
    leadership.transact([putInto({ at: new Date() })]),
  ]);
  expect([good?.status, bad?.status]).toEqual(["fulfilled", "rejected"]);
  leadership.throwIfLost();
});
