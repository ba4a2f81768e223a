import fc from "fast-check";
import { expect, test } from "vitest";
import { TouchedItems, touchedBy } from "../../src/store/item-keys.js";
import { toAction } from "../../src/store/transaction.js";

const actionOf = (how: string, item: { id: unknown; sort: unknown; note: unknown }) => {
  const { id, sort, note } = item;
  if (how === "Put") return toAction({ Put: { TableName: "tab", Item: { id, sort, note } } }, 0);
  if (how === "Delete") return toAction({ Delete: { TableName: "tab", Key: { sort, id } } }, 0);
  return toAction({ Update: { TableName: "tab", Key: { id, sort }, UpdateExpression: "REMOVE note" } }, 0);
};

const meet = (a: ReturnType<typeof actionOf>, b: ReturnType<typeof actionOf>, names?: readonly string[]) => {
  const touched = new TouchedItems();
  touched.add(touchedBy([a], () => names));
  return touched.meets(touchedBy([b], () => names));
};

test("two actions meet exactly if they have the same key; without the names of the key a Put meets its whole table", () => {
  const scalar = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom("a", "b"));
  const item = fc.record({ id: scalar, sort: scalar, note: scalar });
  const kind = fc.constantFrom("Put", "Update", "Delete");
  fc.assert(
    fc.property(kind, item, kind, item, (how, one, as, other) => {
      const [a, b] = [actionOf(how, one), actionOf(as, other)];
      const isSame = one.id === other.id && one.sort === other.sort;
      expect(meet(a, b, ["id", "sort"])).toBe(isSame);
      expect(meet(a, b)).toBe(isSame || how === "Put" || as === "Put");
    }),
  );
});

test("numbers are compared as DynamoDB does, to the last of 38 digits", () => {
  const put = (N: string) => toAction({ Put: { TableName: "tab", Item: { id: { N } } } }, 0);
  expect(meet(put("1"), put("1.0"), ["id"])).toBe(true);
  expect(meet(put("9007199254740993"), put("9007199254740992"), ["id"])).toBe(false);
});

test("the same key in another table is another item", () => {
  const put = (TableName: string) => toAction({ Put: { TableName, Item: { id: "1" } } }, 0);
  expect(meet(put("tab"), put("tub"), ["id"])).toBe(false);
  expect(meet(put("tab"), put("tub"))).toBe(false);
});
