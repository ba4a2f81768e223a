import {
  type AttributeValue,
  DeleteItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Attribute,
  applyUpdate,
  checkExpressions,
  ExpressionError,
  evaluateCondition,
  type Item,
} from "../../src/store/memory/expressions.js";
import { newClient, newTable } from "../support/fixture.js";

const KEY: Item = { pk: { S: "one" } };

const n = (value: number | string): Attribute => ({ N: String(value) });
const s = (value: string): Attribute => ({ S: value });

describe("conditions", () => {
  const item: Item = {
    ...KEY,
    balance: n(100),
    owner_id: s("ann"),
    tags: { SS: ["new", "vip"] },
    doc: { M: { parts: { L: [n(1), s("two")] } } },
  };
  const holds = (
    expression: string,
    values?: Item,
    names?: Record<string, string>,
    of: Item | undefined = item,
  ) => evaluateCondition(expression, names, values, of);

  test.each<[string, Item | undefined, boolean]>([
    ["balance >= :v", { ":v": n("1e2") }, true],
    ["balance < :v", { ":v": s("999") }, false],
    ["balance <> :v", { ":v": s("100") }, true],
    ["absent = :v", { ":v": n(1) }, false],
    ["absent <> :v", { ":v": n(1) }, true],
    ["absent = gone", undefined, false],
    ["balance BETWEEN :v AND :w AND owner_id = :x", { ":v": n(1), ":w": n(100), ":x": s("ann") }, true],
    ["owner_id IN (:v, :w)", { ":v": s("bob"), ":w": s("ann") }, true],
    ["attribute_exists(doc.parts[1])", undefined, true],
    ["attribute_not_exists(doc.parts[2])", undefined, true],
    ["attribute_type(doc.parts, :v)", { ":v": s("L") }, true],
    ["begins_with(owner_id, :v)", { ":v": s("an") }, true],
    ["contains(tags, :v) and contains(doc.parts, :w)", { ":v": s("vip"), ":w": n("1.0") }, true],
    ["size(tags) = :v", { ":v": n(2) }, true],
    ["tags = :v", { ":v": { SS: ["vip", "new"] } }, true],
    ["owner_id = :v OR owner_id = :w AND balance = :v", { ":v": s("ann"), ":w": s("bob") }, true],
    ["(owner_id = :v OR owner_id = :w) AND balance = :v", { ":v": s("ann"), ":w": s("bob") }, false],
    ["NOT owner_id = :v AND balance = :v", { ":v": s("ann") }, false],
    ["NOT (owner_id = :v AND balance = :v)", { ":v": s("ann") }, true],
  ])("%s", (expression, values, expected) => {
    expect(holds(expression, values)).toBe(expected);
  });

  test("there being no item is like an item without attributes", () => {
    expect(evaluateCondition("attribute_not_exists(pk)", undefined, undefined, undefined)).toBe(true);
    expect(evaluateCondition("attribute_exists(pk)", undefined, undefined, undefined)).toBe(false);
  });

  test("numbers are compared to the last of their 38 digits", () => {
    const [a, c] = [n("12345678901234567890123456789012345678"), n("12345678901234567890123456789012345679")];
    expect(holds(":a < :c", { ":a": a, ":c": c })).toBe(true);
    expect(holds(":a = :c", { ":a": a, ":c": c })).toBe(false);
  });

  test("strings are ordered by their UTF-8, but their size is in UTF-16", () => {
    expect(holds(":a < :b", { ":a": s("\uffff"), ":b": s("😀") })).toBe(true);
    expect(holds("size(:a) = :b", { ":a": s("é😀"), ":b": n(3) })).toBe(true);
  });

  test("an attribute may be named like something JavaScript's objects inherit", () => {
    expect(holds("attribute_exists(#p)", undefined, { "#p": "toString" })).toBe(false);
    expect(holds("attribute_exists(#p)", undefined, { "#p": "__proto__" })).toBe(false);
  });
});

describe("updates", () => {
  const item: Item = { ...KEY, a: n(1), b: n(2), l: { L: [n(0), n(1), n(2)] }, m: { M: { x: n(1) } } };
  const changes = (expression: string, values?: Item, names?: Record<string, string>) => {
    const before = structuredClone(item);
    const result = applyUpdate(expression, names, values, item, KEY);
    expect(item).toEqual(before);
    const changed = Object.keys({ ...item, ...result }).filter((name) => result[name] !== item[name]);
    return Object.fromEntries(
      changed.filter((name) => !same(result[name], item[name])).map((name) => [name, result[name]]),
    );
  };
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

  test.each<[string, Item | undefined, Record<string, Attribute | undefined>]>([
    ["SET a = b, b = a", undefined, { a: n(2), b: n(1) }],
    ["SET c = a + :v, d = :v - b", { ":v": n("0.5") }, { c: n("1.5"), d: n("-1.5") }],
    ["SET c = if_not_exists(c, :v) + :v", { ":v": n(1) }, { c: n(2) }],
    ["SET c = list_append(l, :v)", { ":v": { L: [s("x")] } }, { c: { L: [n(0), n(1), n(2), s("x")] } }],
    ["SET m.y = :v REMOVE m.x", { ":v": n(1) }, { m: { M: { y: n(1) } } }],
    [
      "SET l[7] = :v, l[5] = :w REMOVE l[0]",
      { ":v": n(7), ":w": n(5) },
      { l: { L: [n(1), n(2), n(5), n(7)] } },
    ],
    ["REMOVE a, nothing, l[0], l[1]", undefined, { a: undefined, l: { L: [n(2)] } }],
    ["ADD a :v, c :w", { ":v": n(9), ":w": { SS: ["x"] } }, { a: n(10), c: { SS: ["x"] } }],
    ["set c = :v remove b", { ":v": n(9) }, { b: undefined, c: n(9) }],
  ])("%s", (expression, values, expected) => {
    expect(changes(expression, values)).toEqual(expected);
  });

  test("there are no empty sets: a set that loses its last member goes", () => {
    const of = { ...KEY, tags: { SS: ["a", "b"] } };
    const change = (gone: string[]) =>
      applyUpdate("DELETE tags :v", undefined, { ":v": { SS: gone } }, of, KEY);
    expect(change(["b", "c"])).toEqual({ ...KEY, tags: { SS: ["a"] } });
    expect(change(["a", "b"])).toEqual(KEY);
  });

  test("an item that was not there starts with its key", () => {
    expect(applyUpdate("SET a = pk", undefined, undefined, undefined, KEY)).toEqual({ ...KEY, a: KEY.pk });
  });

  test("sums are exact, and refused when they do not fit in 38 digits", () => {
    expect(changes("SET c = :v + :w", { ":v": n("0.1"), ":w": n("0.2") })).toEqual({ c: n("0.3") });
    expect(() => changes("SET c = :v + :w", { ":v": n("1e30"), ":w": n("1e-30") })).toThrow("38 digits");
  });

  test("__proto__ is a name like any other", () => {
    const result = applyUpdate("SET #p = :v", { "#p": "__proto__" }, { ":v": n(1) }, item, KEY);
    expect(Object.entries(result)).toContainEqual(["__proto__", n(1)]);
  });
});

describe("refusals", () => {
  test.each<[string, Item | undefined, string]>([
    ["a = ", undefined, "syntax error at its end"],
    ["a = :v )", { ":v": n(1) }, 'syntax error at ")"'],
    ["a == :v", { ":v": n(1) }, 'syntax error at "="'],
    ["((a = :v))", { ":v": n(1) }, "redundant parentheses"],
    ["a = :v", undefined, "a :placeholder is not in ExpressionAttributeValues"],
    ["#a = b", undefined, "a #placeholder is not in ExpressionAttributeNames"],
    ["a = a", undefined, "twice"],
    ["status = b", undefined, "status is a reserved word"],
    ["Contains(a, b)", undefined, "a function that no condition has"],
    ["contains(a)", undefined, "contains takes 2 operands, not 1"],
    ["a < :v", { ":v": { BOOL: true } }, "< takes no operand of type BOOL"],
    ["a BETWEEN :v AND :w", { ":v": n(2), ":w": n(1) }, "the lower one first"],
    ["attribute_type(a, :v)", { ":v": s("string") }, "attribute_type takes"],
    ["a = :v", { ":v": n("ten") }, "a number (N) is none"],
    ["a = :v", { ":v": { SS: [] } }, "a set may not be empty"],
  ])("condition %s", (expression, values, problem) => {
    expect(() => evaluateCondition(expression, undefined, values, KEY)).toThrow(ExpressionError);
    expect(() => evaluateCondition(expression, undefined, values, KEY)).toThrow(problem);
  });

  test.each<[string, Item | undefined, string]>([
    ["SET", undefined, "syntax error at its end"],
    ["SET a = :v SET b = :v", { ":v": n(1) }, "more than one SET"],
    ["SET a = :v, a.b = :v", { ":v": n(1) }, "overlap"],
    ["SET a.b = :v, a[0] = :v", { ":v": n(1) }, "overlap"],
    ["SET pk = :v", { ":v": n(1) }, "a part of the key"],
    ["SET a.b = :v", { ":v": n(1) }, "could hold"],
    ["SET a = b", undefined, "the item does not have"],
    ["SET a = pk + :v", { ":v": n(1) }, "wrong type"],
    ["ADD pk2 :v", { ":v": s("x") }, "ADD takes no operand of type S"],
    ["SET a = :v + :v + :v", { ":v": n(1) }, 'syntax error at "+"'],
  ])("update %s", (expression, values, problem) => {
    expect(() => applyUpdate(expression, undefined, values, undefined, KEY)).toThrow(ExpressionError);
    expect(() => applyUpdate(expression, undefined, values, undefined, KEY)).toThrow(problem);
  });

  test("a placeholder that no expression of the request uses is refused; they share theirs", () => {
    const request = { condition: "a = :v", update: "SET #b = :w" };
    const names = { "#b": "b" };
    const values = { ":v": n(1), ":w": n(2) };
    checkExpressions(request, names, values);
    expect(() => checkExpressions({ condition: "a = :v" }, names, values)).toThrow(
      "no expression uses 2 of the placeholders",
    );
    expect(() => checkExpressions({}, undefined, values)).toThrow(ExpressionError);
    expect(() => checkExpressions({ condition: "attribute_exists(a)" }, {}, undefined)).toThrow(
      ExpressionError,
    );
  });
});

/** Part of an expression. Names and values become placeholders when it is written out. */
type Part = string | { readonly name: string } | { readonly value: Attribute };
type Draft = readonly Part[];

interface Request {
  readonly condition?: string | undefined;
  readonly update?: string | undefined;
  readonly names: Record<string, string> | undefined;
  readonly values: Item | undefined;
}

function write(drafts: { condition?: Draft | undefined; update?: Draft | undefined }): Request {
  const names: Record<string, string> = {};
  const values: Item = {};
  const text = (draft: Draft) =>
    draft
      .map((part) => {
        if (typeof part === "string") return part;
        const to = "name" in part ? names : values;
        const placeholder = `${"name" in part ? "#" : ":"}p${Object.keys(to).length}`;
        if ("name" in part) names[placeholder] = part.name;
        else values[placeholder] = part.value;
        return placeholder;
      })
      .join("");
  return {
    condition: drafts.condition && text(drafts.condition),
    update: drafts.update && text(drafts.update),
    names: Object.keys(names).length > 0 ? names : undefined,
    values: Object.keys(values).length > 0 ? values : undefined,
  };
}

// Few different values, so that many are equal, in different forms.
const number = fc.constantFrom(
  "0",
  "-0",
  "1",
  "1.0",
  "10e-1",
  "2",
  "-3.5",
  "1e20",
  "99999999999999999999999999999999999999",
);
const text = fc.constantFrom("", "a", "ab", "abc", "\uffff", "😀");
const binary = fc.constantFrom([], [1], [1, 2], [255]).map((array) => new Uint8Array(array));
const set = <T>(of: fc.Arbitrary<T>, same: (value: T) => unknown) =>
  fc.uniqueArray(of, { minLength: 1, maxLength: 3, selector: same });
const small: Record<string, fc.Arbitrary<Attribute>> = {
  S: text.map((S) => ({ S })),
  N: number.map((N) => ({ N })),
  B: binary.map((B) => ({ B })),
  BOOL: fc.boolean().map((BOOL) => ({ BOOL })),
  NULL: fc.constant({ NULL: true }),
  SS: set(text, String).map((SS) => ({ SS })),
  NS: set(number, (N) => Number(N) + 0).map((NS) => ({ NS })),
  BS: set(binary, String).map((BS) => ({ BS })),
};
const { value } = fc.letrec<{ value: Attribute }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    ...Object.values(small),
    fc.array(tie("value"), { maxLength: 3 }).map((L) => ({ L })),
    fc.dictionary(fc.constantFrom("x", "y"), tie("value"), { maxKeys: 2 }).map((M) => ({ M })),
  ),
}));
const list = fc.array(value, { maxLength: 3 }).map((L) => ({ L }));
const ofType = (type: string): fc.Arbitrary<Attribute> => (type === "L" ? list : (small[type] ?? value));

/** Mostly an attribute has the type its name says. */
const named = (type: string) =>
  fc.oneof({ weight: 6, arbitrary: ofType(type) }, { weight: 1, arbitrary: value });
const attributes = {
  s: named("S"),
  n: named("N"),
  b: named("B"),
  ss: named("SS"),
  ns: named("NS"),
  v: value,
  l: list,
  m: fc
    .record({ x: value, n: ofType("N"), l: fc.array(ofType("N"), { maxLength: 2 }).map((L) => ({ L })) })
    .map((M) => ({ M })),
};
const item: fc.Arbitrary<Item | undefined> = fc.option(
  fc
    .tuple(fc.record(attributes), fc.subarray(Object.keys(attributes), { maxLength: 2 }))
    .map(([all, gone]) => Object.fromEntries(Object.entries(all).filter(([name]) => !gone.includes(name)))),
  { nil: undefined, freq: 9 },
);

const draft = (texts: TemplateStringsArray, ...holes: Draft[]): Draft =>
  texts.flatMap((text, i) => [text, ...(holes[i] ?? [])]);

const path: fc.Arbitrary<Draft> = fc.oneof(
  fc.constantFrom("s", "n", "b", "ss", "ns", "v", "l", "m", "gone").map((name) => [name]),
  fc.constantFrom("n", "m", "v", "a name").map((name) => [{ name }]),
  fc
    .constantFrom("l[0]", "l[1]", "l[2]", "l[7]", "m.x", "m.n", "m.gone", "m.l[0]", "m.l[3]", "m.x.y")
    .map((it) => [it]),
  fc.constantFrom("v.x", "v[0]", "l[1].x", "l[0][0]", "gone.x").map((it) => [it]),
);
const pathOf: Record<string, string[]> = {
  S: ["s", "s", "v", "l[0]", "gone"],
  N: ["n", "m.n", "m.l[0]", "gone"],
  B: ["b", "b", "v", "l[1]"],
  L: ["l", "m.l"],
};
const literal = (type: string): fc.Arbitrary<Draft> => ofType(type).map((it) => [{ value: it }]);
const typed = (type: string): fc.Arbitrary<Draft> =>
  fc.oneof(
    fc.constantFrom(...(pathOf[type] ?? [])).map((it) => [it]),
    literal(type),
  );
const size = path.map((it) => draft`size(${it})`);
const anything = fc.oneof(path, literal("any"), size);
const operand = (type: string): fc.Arbitrary<Draft> =>
  fc.oneof(
    { weight: 8, arbitrary: typed(type) },
    { weight: 1, arbitrary: anything },
    { weight: 1, arbitrary: type === "N" ? size : path },
  );
const scalar = fc.constantFrom("S", "N", "B");

const comparison = scalar.chain((type) => fc.tuple(operand(type), operand(type), operand(type)));
const predicate: fc.Arbitrary<Draft> = fc.oneof(
  fc
    .tuple(comparison, fc.constantFrom("=", "<>", "<", "<=", ">", ">="))
    .map(([[x, y], by]) => draft`${x} ${[by]} ${y}`),
  fc.tuple(anything, anything, fc.constantFrom("=", "<>")).map(([x, y, by]) => draft`${x}${[by]}${y}`),
  comparison.map(([x, y, z]) => draft`${x} BETWEEN ${y} AND ${z}`),
  comparison.map(([x, y, z]) => draft`${x} in (${y}, ${z})`),
  fc
    .tuple(fc.constantFrom("attribute_exists", "attribute_not_exists"), path)
    .map(([by, x]) => draft`${[by]}(${x})`),
  fc
    .tuple(path, fc.constantFrom("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"))
    .map(([x, S]) => draft`attribute_type(${x}, ${[{ value: { S } }]})`),
  fc
    .constantFrom("S", "B")
    .chain((type) =>
      fc
        .tuple(operand(type), operand(type), fc.constantFrom("begins_with", "contains"))
        .map(([x, y, by]) => draft`${[by]}(${x}, ${y})`),
    ),
  fc.tuple(anything, anything).map(([x, y]) => draft`contains(${x}, ${y})`),
);
const { condition } = fc.letrec<{ condition: Draft }>((tie) => ({
  condition: fc.oneof(
    { depthSize: "small" },
    { weight: 3, arbitrary: predicate },
    tie("condition").map((x) => draft`NOT ${x}`),
    tie("condition").map((x) => draft`(${x})`),
    fc
      .tuple(tie("condition"), fc.constantFrom("AND", "OR"), tie("condition"))
      .map(([x, by, y]) => draft`${x} ${[by]} ${y}`),
  ),
}));

const orElse = (type: string) =>
  fc.tuple(path, typed(type)).map(([x, y]) => draft`if_not_exists(${x}, ${y})`);
const part = (type: string) =>
  fc.oneof(
    { weight: 6, arbitrary: typed(type) },
    { weight: 2, arbitrary: orElse(type) },
    { weight: 1, arbitrary: anything },
  );
const rightSide = fc.oneof(
  path,
  literal("any"),
  fc.constantFrom("S", "N").chain(orElse),
  fc.tuple(part("N"), fc.constantFrom("+", "-"), part("N")).map(([x, by, y]) => draft`${x} ${[by]} ${y}`),
  fc.tuple(part("N"), part("N")).map(([x, y]) => draft`(${x} + ${y})`),
  fc.tuple(part("L"), part("L")).map(([x, y]) => draft`list_append(${x}, ${y})`),
);
const addition = (type: string, target: string) =>
  literal(type).map((it): [Draft, Draft] => [[target], draft` ${it}`]);
const target = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom("s", "n", "v", "b", "gone", "gone2", "m.x", "m.gone").map((it) => [it]),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom("l[0]", "l[1]", "l[2]", "l[7]", "l[9]", "m.l[0]").map((it) => [it]),
  },
  { weight: 1, arbitrary: path },
);
/** Of each section, what it changes and how. */
const edit: fc.Arbitrary<[string, [Draft, Draft]]> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constant("SET"),
      fc.tuple(
        target,
        rightSide.map((it) => draft` = ${it}`),
      ),
    ),
  },
  fc.tuple(fc.constant("remove"), fc.tuple(target, fc.constant([]))),
  fc.tuple(
    fc.constant("ADD"),
    fc.oneof(
      addition("N", "n"),
      addition("N", "m.n"),
      addition("N", "m.l[1]"),
      addition("SS", "ss"),
      addition("NS", "ns"),
      addition("BS", "v"),
      fc.tuple(
        target,
        literal("any").map((it) => draft` ${it}`),
      ),
    ),
  ),
  fc.tuple(
    fc.constant("Delete"),
    fc.oneof(addition("SS", "ss"), addition("NS", "ns"), addition("SS", "l[0]"), addition("NS", "v")),
  ),
);
const joined = (drafts: Draft[], by: string): Draft => drafts.flatMap((it, i) => (i > 0 ? [by, ...it] : it));
const updateOf = (most: number): fc.Arbitrary<Draft> =>
  fc.array(edit, { minLength: 1, maxLength: most }).map((edits) => {
    const sections = [...new Set(edits.map(([section]) => section))].map((section) => {
      const own = edits.filter((it) => it[0] === section).map(([, [target, how]]) => draft`${target}${how}`);
      return draft`${[section]} ${joined(own, ", ")}`;
    });
    return joined(sections, " ");
  });
const update = updateOf(3);

/** A token goes, comes again elsewhere, or some are put in parentheses. */
function misspelt(drafts: fc.Arbitrary<Draft>): fc.Arbitrary<Draft> {
  const change = fc.constantFrom("drop", "repeat", "wrap", "wrap");
  return fc.tuple(drafts, change, fc.nat(), fc.nat(), fc.nat()).map(([it, how, from, to, at]) => {
    const tokens = it.flatMap((token): Part[] =>
      typeof token === "string" ? (token.match(/\w+|<>|[<>]=|\S/g) ?? []) : [token],
    );
    const first = from % tokens.length;
    const picked = tokens.slice(first, first + 1 + (to % (tokens.length - first)));
    if (how === "drop") tokens.splice(first, 1);
    else if (how === "wrap") tokens.splice(first, picked.length, "(", ...picked, ")");
    else tokens.splice(at % (tokens.length + 1), 0, tokens[first] as Part);
    return tokens.flatMap((each) => [" ", each]);
  });
}

type Outcome = Item | "condition failed" | "refused";

function onOurs(before: Item | undefined, { condition, update, names, values }: Request): Outcome {
  try {
    checkExpressions({ condition, update }, names, values);
    if (condition && !evaluateCondition(condition, names, values, before)) return "condition failed";
    return update ? applyUpdate(update, names, values, before, KEY) : (before ?? KEY);
  } catch (error) {
    if (error instanceof ExpressionError) return "refused";
    throw error;
  }
}

/** For comparison: each number as a multiple of 1E-60, sets and maps in one order. */
function normal(value: Attribute): unknown {
  const units = (text: string) => {
    const [mantissa = "", power = "0"] = text.toLowerCase().split("e");
    const [whole, decimals = ""] = mantissa.split(".");
    return `${BigInt(whole + decimals) * 10n ** BigInt(60 + Number(power) - decimals.length)}`;
  };
  if ("N" in value) return { N: units(value.N) };
  if ("NS" in value) return { NS: value.NS.map(units).sort() };
  if ("SS" in value) return { SS: [...value.SS].sort() };
  if ("BS" in value) return { BS: value.BS.map((it) => [...it].join()).sort() };
  if ("B" in value) return { B: [...value.B].join() };
  if ("L" in value) return { L: value.L.map(normal) };
  if ("M" in value) return { M: normalItem(value.M) };
  return value;
}

function normalItem(item: Item): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, normal(value)]));
}

describe("agrees with DynamoDB Local", () => {
  const client = newClient();
  let TableName: string;

  beforeAll(async () => {
    TableName = await newTable(client, "pk");
  });

  async function onDynamoDB(before: Item | undefined, request: Request): Promise<Outcome> {
    const Key = KEY as Record<string, AttributeValue>;
    if (before) {
      await client.send(new PutItemCommand({ TableName, Item: before as Record<string, AttributeValue> }));
    } else {
      await client.send(new DeleteItemCommand({ TableName, Key }));
    }
    try {
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          TableName,
          Key,
          ConditionExpression: request.condition,
          UpdateExpression: request.update,
          ExpressionAttributeNames: request.names,
          ExpressionAttributeValues: request.values as Record<string, AttributeValue> | undefined,
          ReturnValues: "ALL_NEW",
        }),
      );
      return Attributes as Item;
    } catch (error) {
      const { name } = error as Error;
      if (name === "ConditionalCheckFailedException") return "condition failed";
      if (name === "ValidationException") return "refused";
      throw error;
    }
  }

  test.each<[string, Record<"condition" | "update", fc.Arbitrary<Draft | undefined>>, number]>([
    ["conditions", { condition, update: fc.constant(undefined) }, 400],
    ["updates", { condition: fc.constant(undefined), update }, 400],
    ["both in one request", { condition, update }, 100],
    ["misspelt conditions", { condition: misspelt(predicate), update: fc.constant(undefined) }, 300],
    ["misspelt updates", { condition: fc.constant(undefined), update: misspelt(updateOf(1)) }, 300],
  ])(
    "%s",
    async (what, drafts, numRuns) => {
      const seen = { done: 0, "condition failed": 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(item, fc.record(drafts).map(write), async (attributes, request) => {
          const before = attributes && { ...KEY, ...attributes };
          const [ours, theirs] = [onOurs(before, request), await onDynamoDB(before, request)];
          seen[typeof theirs === "string" ? theirs : "done"] += 1;
          expect(typeof ours === "string" ? ours : normalItem(ours)).toEqual(
            typeof theirs === "string" ? theirs : normalItem(theirs),
          );
        }),
        { numRuns },
      );
      // The generators make sense, and nonsense.
      if (!what.startsWith("misspelt")) expect(seen.done).toBeGreaterThan(0);
      expect(seen.refused).toBeGreaterThan(0);
    },
    60_000,
  );
});
