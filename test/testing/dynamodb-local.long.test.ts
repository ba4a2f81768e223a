import { expect, test } from "vitest";
import { startDynamoDBLocal } from "../../src/testing/dynamodb-local.js";
import { diesWithItsParent, env, tablesOf } from "./local-tables.js";

/** Servers that are stopped (SIGSTOP): they cannot react to anything any more. */

test("a stopped (SIGSTOP) server is stopped all the same", async () => {
  const local = await startDynamoDBLocal({ env });
  process.kill(local.pid as number, "SIGSTOP");
  await local.stop();
  await expect(tablesOf(local)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("'a stopped (SIGSTOP) DynamoDB Local' dies with its parent even when the parent gets SIGKILL", () =>
  diesWithItsParent("SIGSTOP"));
