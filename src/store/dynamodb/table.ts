import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { s } from "../attribute.js";
import { PARTITION_KEY, SORT_KEY } from "../schema.js";
import { DateHeader } from "./date-header.js";
import { storeError } from "./errors.js";

/** What is used of the SDK's clients; `DynamoDBClient` and `DynamoDBDocumentClient` both have it. */
export interface DynamoDBLike {
  send(command: never, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

/**
 * A table as the user's own client sees it: nothing of the client's configuration, credentials or middleware is
 * touched; what is needed of a response rides on each command.
 */
export class DynamoDBTable {
  protected readonly client: Pick<DynamoDBClient, "send">;

  constructor(
    client: DynamoDBLike,
    protected readonly tableName: string,
  ) {
    this.client = client as unknown as Pick<DynamoDBClient, "send">;
  }

  protected rowOf(partition: string, sortKey: string) {
    return {
      TableName: this.tableName,
      Key: { [PARTITION_KEY]: s(partition), [SORT_KEY]: s(sortKey) },
    };
  }

  /** One request, whose answer's date is kept and whose errors are told in our words. */
  protected async ask<T>(doing: string, request: (date: DateHeader) => Promise<T>): Promise<T> {
    try {
      return await request(new DateHeader());
    } catch (error) {
      throw storeError(error, this.tableName, doing);
    }
  }
}
