import { expect, test } from "vitest";
import { type GuardInput, guardInput, isAttributeForm } from "../../src/store/fencing.js";

test("guard adds the fence to a Put, and keeps the user's own condition and names", () => {
  const input = {
    TableName: "ledger",
    Item: { id: "1", paid: true },
    ConditionExpression: "attribute_not_exists(#i) OR paid = :no",
    ExpressionAttributeNames: { "#i": "id" },
    ExpressionAttributeValues: { ":no": false },
  };
  const before = structuredClone(input);
  expect(guardInput(input, 7, "fence")).toEqual({
    TableName: "ledger",
    Item: { id: "1", paid: true, fence: 7 },
    ConditionExpression:
      "(attribute_not_exists(#i) OR paid = :no) AND (attribute_not_exists(#incumbentFence) OR #incumbentFence <= :incumbentTerm)",
    ExpressionAttributeNames: { "#i": "id", "#incumbentFence": "fence" },
    ExpressionAttributeValues: { ":no": false, ":incumbentTerm": 7 },
  });
  expect(input).toEqual(before);
});

test.each([
  ["SET paid = :yes", "SET #incumbentFence = :incumbentTerm, paid = :yes"],
  ["set paid = :yes REMOVE due", "SET #incumbentFence = :incumbentTerm, paid = :yes REMOVE due"],
  ["REMOVE due SET paid = :yes", "REMOVE due SET #incumbentFence = :incumbentTerm, paid = :yes"],
  ["ADD hits :one", "ADD hits :one SET #incumbentFence = :incumbentTerm"],
  ["REMOVE #set", "REMOVE #set SET #incumbentFence = :incumbentTerm"],
  ["ADD #set :set", "ADD #set :set SET #incumbentFence = :incumbentTerm"],
  ["SET\n a = :a", "SET #incumbentFence = :incumbentTerm,  a = :a"],
])("guard joins the SET section of %j", (UpdateExpression, expected) => {
  const input: GuardInput = { TableName: "t", Key: { id: { S: "1" } }, UpdateExpression };
  const guarded = guardInput(input, 3, "fence");
  expect(guarded.UpdateExpression).toBe(expected);
  expect(guarded.ExpressionAttributeValues).toEqual({ ":incumbentTerm": { N: "3" } });
});

test("guard on a Delete adds only the condition", () => {
  expect(guardInput({ TableName: "t", Key: { id: "1" } }, 3, "f")).toEqual({
    TableName: "t",
    Key: { id: "1" },
    ConditionExpression: "(attribute_not_exists(#incumbentFence) OR #incumbentFence <= :incumbentTerm)",
    ExpressionAttributeNames: { "#incumbentFence": "f" },
    ExpressionAttributeValues: { ":incumbentTerm": 3 },
  });
});

test.each([
  [{ TableName: "t" }],
  [{ TableName: "t", Item: { id: "1" }, Key: { id: "1" } }],
  [{ TableName: "t", Key: { id: "1" }, AttributeUpdates: {} }],
  [{ TableName: "t", Item: { id: "1" }, Expected: {} }],
])("guard refuses what it cannot guard: %j", (input) => {
  expect(() => guardInput(input, 1, "fence")).toThrow("guard input: must be");
});

test("plain and attribute forms are told apart by the key", () => {
  expect(isAttributeForm({ id: { S: "1" } })).toBe(true);
  expect(isAttributeForm({ id: { S: "1" }, n: { M: {} } })).toBe(true);
  expect(isAttributeForm({ id: "1", doc: { S: "not an attribute" } })).toBe(false);
  expect(isAttributeForm({ id: 1 })).toBe(false);
  expect(isAttributeForm({ id: new Uint8Array([1]) })).toBe(false);
});
