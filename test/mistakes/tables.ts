import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { createLeaseTable } from "../../src/testing/index.js";
import { newClient, newTable } from "../support/fixture.js";

/** The tables that the mistakes are made on. No other test uses them. */
export const LEASES = "incumbent-table";
export const LEDGER = "ledger-table";

/** Durations with which no answer is late on a busy machine. */
export const PATIENT = { leaseDurationMs: 60_000, tuning: { requestTimeoutMs: 15_000 } };

let made: Promise<void> | undefined;

/** Resolves when they are there. */
export function tables(): Promise<void> {
  made ??= makeTables();
  return made;
}

async function makeTables(): Promise<void> {
  const client = newClient();
  await createLeaseTable(client, LEASES);
  await newTable(client, "id", LEDGER);
  const sk = { S: "lease" };
  await client.send(
    new PutItemCommand({ TableName: LEASES, Item: { pk: { S: "another-program" }, sk, term: { S: "one" } } }),
  );
  const numbers = { term: { N: "1" }, revision: { N: "1" }, leaseDurationMs: { N: "15000" } };
  await client.send(
    new PutItemCommand({
      TableName: LEASES,
      Item: { pk: { S: "newer-version" }, sk, ...numbers, schemaVersion: { N: "3" } },
    }),
  );
}
