import { runInNewContext } from "node:vm";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { expect, test } from "vitest";
import { describe, isPlain, Kind, notAllowed } from "../src/describe.js";

const unreachable = () => expect.unreachable("code of the value was run");
/** Every trap. */
const trapped = () =>
  new Proxy({}, new Proxy({}, { get: () => unreachable }) as unknown as ProxyHandler<object>);
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const revokedArray = () => {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
};

class Hostile {
  get region() {
    return unreachable();
  }
  toString() {
    return unreachable();
  }
  toJSON() {
    return unreachable();
  }
  valueOf() {
    return unreachable();
  }
  get [Symbol.toStringTag]() {
    return unreachable();
  }
  [Symbol.toPrimitive]() {
    return unreachable();
  }
}

/** As the second major version of the SDK had them. */
class DynamoDB {
  config = { secretAccessKey: "AKIA" };
  makeRequest() {}
}

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

test.each<[string, unknown, string]>([
  ["nothing", undefined, "undefined"],
  ["null", null, "null"],
  ["an empty string", "", "an empty string"],
  ["a character", "x", "a string of 1 character"],
  ["a string", "hunter2", "a string of 7 characters"],
  ["0", 0, "the number 0"],
  ["NaN", Number.NaN, "the number NaN"],
  ["false", false, "the boolean false"],
  ["a bigint", 4_111n, "a bigint"],
  ["a symbol", Symbol("hunter2"), "a symbol"],
  ["a function", function hunter2() {}, "a function"],
  ["an array", ["hunter2", 1, 2], "an array of 3"],
  ["no entries", [], "an empty array"],
  ["an object", { hunter2: "hunter2" }, "a plain object"],
  ["an object without a prototype", Object.create(null), "a plain object"],
  ["an object of another realm", runInNewContext("({ hunter2: 1 })"), "a plain object"],
  ["a cycle", cyclic, "a plain object"],
  [
    "a configuration",
    { region: "hunter2", credentials: { secretAccessKey: "hunter2" } },
    "a plain object that looks like a client's configuration",
  ],
  ["a client of SDK v2", new DynamoDB(), "an object of class DynamoDB that looks like an AWS SDK v2 client"],
  ["a client of SDK v3", new DynamoDBClient({}), "an object of class DynamoDBClient"],
  ["a date", new Date(0), "an object of class Date"],
  ["an error", new TypeError("hunter2"), "an error of class TypeError"],
  ["a class that would run code", new Hostile(), "an object of class Hostile"],
  ["data that says it had a class", { constructor: { name: "hunter2" } }, "a plain object"],
  [
    "data that inherits a class",
    Object.create({ constructor: function hunter2() {} }),
    "an object of class Object",
  ],
  ["a proxy with every trap", trapped(), "a proxy"],
  ["a revoked proxy", revoked(), "a proxy"],
  ["a revoked proxy of an array", revokedArray(), "a proxy"],
  ["what inherits from a proxy", Object.create(trapped()), "an object without a known class"],
  ["a description", new Kind("a set of other values"), "a set of other values"],
])("%s is described without running its code", (_what, value, kind) => {
  expect(describe(value)).toBe(kind);
});

test("whatever it is, the description is short and holds none of its text", () => {
  const canary = "c4n4ry";
  const text = fc.string().map((around) => `${around}${canary}`);
  const key = fc.constantFrom("region", "credentials", "constructor", "__proto__", canary);
  const value = fc.oneof(
    fc.anything({ key, values: [text], withBigInt: true, withNullPrototype: true }),
    text,
  );
  fc.assert(
    fc.property(value, (one) => {
      expect(describe(one)).not.toContain(canary);
      expect(describe(one).length).toBeLessThan(120);
    }),
  );
});

test("a getter is not a plain object's code that is run either", () => {
  const value = Object.defineProperty({}, "region", { get: unreachable, enumerable: true });
  expect(describe(value)).toBe("a plain object that looks like a client's configuration");
  expect(isPlain(value)).toBe(true);
  expect(isPlain(trapped())).toBe(false);
});

test("the first character that is not allowed is told by its place", () => {
  expect(notAllowed("ab:c#", /[a-z]/)).toBe(" (character 3 is not allowed)");
  expect(notAllowed("abc", /[a-z]/)).toBe("");
  expect(notAllowed(7, /[a-z]/)).toBe("");
});
