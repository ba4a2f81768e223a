import { ConditionalCheckFailedException, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { MAX_TERM } from "../../limits.js";
import { floorOver } from "../../protocol/forgotten.js";
import type { Item } from "../attribute.js";
import type { LeaseStore } from "../lease-store.js";
import { FLOOR_SORT_KEY, floorPartition } from "../schema.js";
import { asSeen, conditionExpression, floorBelow } from "./conditions.js";
import { Row } from "./row.js";
import { keptVersion } from "./row-version.js";
import type { DynamoDBTable, Send } from "./table.js";
import { updateExpression } from "./update-expression.js";

/** The floor of an election's shard (rule 13). */

/** Undefined: no name of this shard was ever forgotten. */
export async function readFloor(
  send: Send,
  table: DynamoDBTable,
  election: string,
  ConsistentRead: boolean,
): Promise<number | undefined> {
  const { Item: item } = await send(new GetItemCommand({ ...floorRow(table, election), ConsistentRead }));
  if (item === undefined) return undefined;
  const row = new Row(floorPartition(election), FLOOR_SORT_KEY, item as Item);
  row.checkVersion();
  return row.integer("floor", 1, MAX_TERM);
}

/** The floor is as it was read. */
export function floorIs(table: DynamoDBTable, election: string, floor: number | undefined) {
  return { ...floorRow(table, election), ...conditionExpression(asSeen("floor", floor)) };
}

export function floorVerb(table: DynamoDBTable): Pick<LeaseStore, "raiseFloor"> {
  return {
    raiseFloor: (election, term, signal) =>
      table.ask("raise the floor", signal, async (send) => {
        const floor = floorOver(term);
        // An old row shows a lower floor, and a read costs a tenth of a write.
        if (floor === undefined || ((await readFloor(send, table, election, false)) ?? 0) >= term) return {};
        const update = { condition: floorBelow(floor), set: { floor }, copy: keptVersion };
        const command = new UpdateItemCommand({ ...floorRow(table, election), ...updateExpression(update) });
        await send(command).catch((error: unknown) => {
          // Another candidate has raised it further.
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
        });
        return {};
      }),
  };
}

function floorRow(table: DynamoDBTable, election: string) {
  return table.rowOf(floorPartition(election), FLOOR_SORT_KEY);
}
