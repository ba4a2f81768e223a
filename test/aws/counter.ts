import { type DynamoDBClient, GetItemCommand, type Update } from "@aws-sdk/client-dynamodb";

/** A number in the table, which each write adds one to. */
export class Counter {
  constructor(
    readonly tableName: string,
    readonly name: string,
  ) {}

  get #row() {
    return { TableName: this.tableName, Key: { pk: { S: this.name }, sk: { S: "counter" } } };
  }

  /** An update that adds one, and no condition. `note` makes its content another one. */
  addOne(note = ""): Update & { UpdateExpression: string } {
    return {
      ...this.#row,
      UpdateExpression: "ADD n :one SET note = :note",
      ExpressionAttributeValues: { ":one": { N: "1" }, ":note": { S: note } },
    };
  }

  async read(client: DynamoDBClient, signal: AbortSignal): Promise<number> {
    const command = new GetItemCommand({ ...this.#row, ConsistentRead: true });
    const { Item } = await client.send(command, { abortSignal: signal });
    return Number(Item?.n?.N ?? 0);
  }
}
