import { expect, test } from "vitest";
import * as client from "../src/index.js";
import * as testing from "../src/testing.js";

test("the package exports exactly this", () => {
  expect({
    incumbent: Object.keys(client).sort(),
    "incumbent/testing": Object.keys(testing).sort(),
  }).toMatchInlineSnapshot(`
    {
      "incumbent": [
        "AlreadyCampaigningError",
        "Election",
        "FencedOutError",
        "IncumbentError",
        "InvalidOptionError",
        "LeaseLostError",
        "MalformedLeaseError",
        "Operator",
        "TableError",
        "TableUnavailableError",
        "TransactionRefusedError",
        "TransactionUnknownError",
        "systemClock",
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
