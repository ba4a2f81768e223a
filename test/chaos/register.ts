import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
} from "@aws-sdk/client-dynamodb";
import type { TransactionAction } from "../../src/store/fencing.js";

export interface LoggedWrite {
  readonly write: string;
  readonly candidate: string;
  readonly term: number;
}

type Item = Record<string, AttributeValue>;

/** Where the register is: a table with the keys of a lease table, which may be that of the election. */
export interface RegisterPlace {
  readonly tableName: string;
  /** Begins each of its partition keys. */
  readonly prefix: string;
  /**
   * A list may not grow for ever. A late write for a full page is out of order unseen; there is one page in this many
   * writes.
   */
  readonly linesAPage: number;
}

/** The register of another election than the one for which all workers stand. */
export function registerOf(place: RegisterPlace, election: string | undefined): RegisterPlace {
  return election === undefined ? place : { ...place, prefix: `${place.prefix}${election} ` };
}

/**
 * The register that all leaders count up, and beside it one line for each write: a list grows at its end, so the
 * log has them in the order in which they were accepted. Stale writes, sent on purpose, are rows of another key.
 */
export class Register {
  constructor(private readonly place: RegisterPlace) {}

  async count(client: DynamoDBClient, signal?: AbortSignal): Promise<number> {
    const { Item } = await client.send(
      new GetItemCommand({ ...this.#row("register", 0), ConsistentRead: true }),
      signal ? { abortSignal: signal } : {},
    );
    return Number(Item?.count?.N ?? 0);
  }

  /**
   * One more in the register, and a line in its log. Nothing but the fence could refuse it: not even a write
   * that comes late finds a condition of its own that fails. `doomed` adds one that always does.
   */
  countOne(count: number, logged: LoggedWrite, doomed: boolean): TransactionAction[] {
    const refuse: TransactionAction = {
      ConditionCheck: { ...this.#row("nothing", 0), ConditionExpression: "attribute_exists(pk)" },
    };
    return [
      {
        Update: {
          ...this.#row("register", 0),
          UpdateExpression: "ADD #count :one",
          ExpressionAttributeNames: { "#count": "count" },
          ExpressionAttributeValues: { ":one": { N: "1" } },
        },
      },
      {
        Update: {
          ...this.#row("accepted", Math.floor(count / this.place.linesAPage)),
          UpdateExpression: "SET #lines = list_append(if_not_exists(#lines, :none), :line)",
          ExpressionAttributeNames: { "#lines": "lines" },
          ExpressionAttributeValues: { ":none": { L: [] }, ":line": { L: [{ M: line(logged) }] } },
        },
      },
      ...(doomed ? [refuse] : []),
    ];
  }

  /** A row that says: this stale write was let through. */
  letThrough(n: number, logged: LoggedWrite): { Put: { TableName: string; Item: Item } } {
    const { TableName, Key } = this.#row(`stale ${logged.candidate}`, n);
    return { Put: { TableName, Item: { ...Key, lines: { L: [{ M: line(logged) }] } } } };
  }

  /** The lines of one log, in order. */
  async log(client: DynamoDBClient, log: "accepted" | `stale ${string}`): Promise<LoggedWrite[]> {
    const written: LoggedWrite[] = [];
    const pages = paginateQuery(
      { client },
      {
        TableName: this.place.tableName,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: this.place.prefix + log } },
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) {
      for (const { M: logged } of Items.flatMap(({ lines }) => lines?.L ?? [])) {
        written.push({
          write: logged?.write?.S ?? "",
          candidate: logged?.candidate?.S ?? "",
          term: Number(logged?.term?.N),
        });
      }
    }
    return written;
  }

  #row(log: string, n: number): { TableName: string; Key: Item } {
    const { tableName, prefix } = this.place;
    // Twelve digits, so that the order of the keys is that of the numbers.
    return { TableName: tableName, Key: { pk: { S: prefix + log }, sk: { S: String(n).padStart(12, "0") } } };
  }
}

function line({ write, candidate, term }: LoggedWrite): Item {
  return { write: { S: write }, candidate: { S: candidate }, term: { N: String(term) } };
}
