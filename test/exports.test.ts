import { expect, test } from "vitest";
import * as client from "../src/index.js";
import * as lambda from "../src/lambda/index.js";
import * as testing from "../src/testing/index.js";

test("the package exports exactly this", () => {
  expect({
    incumbent: Object.keys(client).sort(),
    "incumbent/lambda": Object.keys(lambda).sort(),
    "incumbent/testing": Object.keys(testing).sort(),
  }).toMatchInlineSnapshot(`
    {
      "incumbent": [
        "AlreadyCampaigningError",
        "Election",
        "FencedOutError",
        "IncumbentError",
        "InternalError",
        "InvalidOptionError",
        "LeaseHeldError",
        "LeaseLostError",
        "MalformedLeaseError",
        "Operator",
        "Partitions",
        "SchemaVersionError",
        "Session",
        "SessionClosedError",
        "TableError",
        "TableUnavailableError",
        "TransactionRefusedError",
        "TransactionUnknownError",
        "WorkNotStoppedError",
        "systemClock",
      ],
      "incumbent/lambda": [
        "MissedTickError",
        "OutOfTimeError",
        "leaderHandler",
        "leaderMiddleware",
      ],
      "incumbent/testing": [
        "LocalTableUnavailableError",
        "ManualClock",
        "MemoryTable",
        "createLeaseTable",
        "startDynamoDBLocal",
      ],
    }
  `);
});
