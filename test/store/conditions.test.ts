import { expect, test } from "vitest";
import { n, s } from "../../src/store/attribute.js";
import {
  all,
  asSeen,
  conditionExpression,
  mine,
  notThere,
  pairAsSeen,
} from "../../src/store/dynamodb/conditions.js";
import { updateExpression } from "../../src/store/dynamodb/update-expression.js";

test("conditions that are joined keep all their names and values", () => {
  expect(conditionExpression(all(mine({ candidateId: "a", term: 7 }), asSeen("ttl", 5)))).toEqual({
    ConditionExpression: "#holder = :me AND #term = :mine AND #ttl = :seenTtl",
    ExpressionAttributeNames: { "#holder": "holder", "#term": "term", "#ttl": "ttl" },
    ExpressionAttributeValues: { ":me": s("a"), ":mine": n(7), ":seenTtl": n(5) },
  });
});

test("an attribute that was not seen must still not be there; a condition without values sends none", () => {
  expect(conditionExpression(asSeen("pauseRevision", undefined))).toEqual({
    ConditionExpression: "attribute_not_exists(#pauseRevision)",
    ExpressionAttributeNames: { "#pauseRevision": "pauseRevision" },
  });
  expect(conditionExpression(notThere)).not.toHaveProperty("ExpressionAttributeValues");
});

test("what an update sets does not change what its condition compares with", () => {
  const update = updateExpression({
    condition: pairAsSeen({ term: 3, revision: 8 }),
    set: { term: 4, revision: 9, endReason: undefined },
  });
  expect(update).toEqual({
    ConditionExpression: "#term = :seenTerm AND #revision = :seenRevision",
    UpdateExpression: "SET #term = :term, #revision = :revision REMOVE #endReason",
    ExpressionAttributeNames: { "#term": "term", "#revision": "revision", "#endReason": "endReason" },
    ExpressionAttributeValues: {
      ":seenTerm": n(3),
      ":seenRevision": n(8),
      ":term": n(4),
      ":revision": n(9),
    },
  });
});
