import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type TableDescription,
  waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb";
import { failureOf } from "./recorder.js";

/** The tables of these runs, and no others, begin so. */
export const TABLE_PREFIX = "incumbent-verify-";
const NAME = /^incumbent-verify-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{6}$/;

const RETRY_MS = 2_000;
/** Another try does not help. */
const FOR_GOOD = /^(AccessDenied|CredentialsProviderError|ExpiredToken|UnrecognizedClient)/;

/** A name that carries its time, so that people and later runs see how old it is. */
export function newTableName(now = new Date()): string {
  return `${TABLE_PREFIX}${timeOf(now)}-${randomBytes(3).toString("hex")}`;
}

/** To the second, in UTC. */
export function timeOf(moment: Date): string {
  return moment.toISOString().replace(/[-:]|\.\d+/g, "");
}

export function isRunTable(name: string): boolean {
  return NAME.test(name);
}

/** Undefined: it can be used. `strong`: multi-Region strong consistency was asked for. */
export function unfitness(
  { Replicas = [], MultiRegionConsistency }: TableDescription,
  strong: boolean,
): string | undefined {
  const isStrong = MultiRegionConsistency === "STRONG";
  if (Replicas.length === 0 && !isStrong)
    return strong ? "it is a table of one Region: leave out --strong" : undefined;
  if (!isStrong)
    return "it is an eventually consistent global table. Two Regions can each accept a write of one row, so no election on it is safe";
  return strong
    ? undefined
    : "it has multi-Region strong consistency: add --strong, and parts with transactions are skipped";
}

export async function describe(client: DynamoDBClient, TableName: string): Promise<TableDescription> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  return Table ?? {};
}

/**
 * Deletes a table, also one that is still being made. Tries until it is gone or `withinMs` is over.
 * @param options `mayCome`: a request to create it may be under way, so that it is not there yet.
 * @returns whether it is gone.
 */
export async function removeTable(
  client: DynamoDBClient,
  TableName: string,
  { withinMs, mayCome = false }: { withinMs: number; mayCome?: boolean },
): Promise<boolean> {
  const until = performance.now() + withinMs;
  do {
    try {
      await client.send(new DeleteTableCommand({ TableName }));
      await waitUntilTableNotExists({ client, maxWaitTime: 120 }, { TableName });
      return true;
    } catch (error) {
      const { error: name } = failureOf(error);
      if (name === "ResourceNotFoundException" && !mayCome) return true;
      if (FOR_GOOD.test(name)) return false;
      await delay(Math.min(RETRY_MS, withinMs / 4));
    }
  } while (performance.now() < until);
  return false;
}
