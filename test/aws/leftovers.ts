import {
  type DynamoDBClient,
  paginateListTables,
  ResourceNotFoundException,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import type { RequestSample } from "./recorder.js";
import { describe, isRunTable, removeTable } from "./run-table.js";

/** No run lasts that long (see `RUN_WITHIN_MS`), so an older table belongs to none. */
export const LEFT_AFTER_MS = 60 * 60_000;
const REMOVE_WITHIN_MS = 120_000;

export interface RunTable {
  readonly name: string;
  readonly ageMs: number;
}

/** The tables of other runs, with their age by DynamoDB's own clock. */
export async function runTables(
  client: DynamoDBClient,
  samples: readonly RequestSample[],
): Promise<RunTable[]> {
  const names: string[] = [];
  for await (const { TableNames = [] } of paginateListTables({ client }, {})) {
    names.push(...TableNames.filter(isRunTable));
  }
  const tables: RunTable[] = [];
  for (const name of names) {
    const { CreationDateTime } = await describe(client, name).catch((error: unknown) => {
      // Its own run has removed it meanwhile.
      if (error instanceof ResourceNotFoundException) return {} as TableDescription;
      throw error;
    });
    const now = Date.parse(samples.at(-1)?.date ?? "") || Date.now();
    tables.push({ name, ageMs: CreationDateTime ? now - CreationDateTime.getTime() : 0 });
  }
  return tables;
}

/** What an earlier run left behind. Younger tables may belong to a run that still goes on. */
export function isLeft({ ageMs }: RunTable): boolean {
  return ageMs > LEFT_AFTER_MS;
}

/** @returns the names of those that are still there. */
export async function remove(client: DynamoDBClient, tables: readonly RunTable[]): Promise<string[]> {
  const left: string[] = [];
  for (const { name } of tables) {
    if (!(await removeTable(client, name, { withinMs: REMOVE_WITHIN_MS }))) left.push(name);
  }
  return left;
}
