import { ConditionalCheckFailedException, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Code, dataOf } from "../../describe.js";
import { InvalidOptionError } from "../../errors.js";
import type { Answer } from "../../protocol/verbs.js";
import { s } from "../attribute.js";
import { PARTITION_KEY, SORT_KEY } from "../schema.js";
import type { SignedRequest } from "../signed-request.js";
import { DateHeader } from "./date-header.js";
import { storeError } from "./errors.js";
import { type Signable, SigningCapture } from "./signing-capture.js";

/** The part of the SDK's clients that is used. `DynamoDBClient` and `DynamoDBDocumentClient` have it. */
export interface DynamoDBLike {
  send(command: never, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

/** Throws `InvalidOptionError` if it is no client of DynamoDB. */
export function checkClient(client: unknown): asserts client is DynamoDBLike {
  // Clients of all services have `send`. A client that is not the SDK's has no service.
  const serviceId = dataOf(dataOf(client, "config"), "serviceId") ?? "DynamoDB";
  if (typeof (client as DynamoDBLike | undefined)?.send === "function" && serviceId === "DynamoDB") return;
  const rule = "must be a DynamoDBClient of @aws-sdk/client-dynamodb, or a DynamoDBDocumentClient";
  throw new InvalidOptionError("client", rule, client, new Code("new DynamoDBClient({})"));
}

/** Sends one command of a request. */
export type Send = DynamoDBClient["send"];

/**
 * A table, through the user's own client. It does not change the client's configuration, credentials or middleware: each
 * command has its own middleware.
 */
export class DynamoDBTable {
  constructor(
    private readonly client: DynamoDBLike,
    readonly name: string,
  ) {}

  /** Another table with the same client. */
  named(name: string): DynamoDBTable {
    return new DynamoDBTable(this.client, name);
  }

  rowOf(partition: string, sortKey: string) {
    return {
      TableName: this.name,
      Key: { [PARTITION_KEY]: s(partition), [SORT_KEY]: s(sortKey) },
    };
  }

  /**
   * Sends one request, of one command or more. Adds the `Date` of the last command's answer, and converts errors to ours.
   * `doing` completes "the request to …".
   */
  async ask<T extends object>(
    doing: string,
    signal: AbortSignal,
    request: (send: Send) => Promise<T>,
  ): Promise<T & Answer> {
    const date = new DateHeader();
    const send = (command: never) => this.client.send(date.from(command), { abortSignal: signal });
    try {
      const answer = await request(send as Send);
      return { ...answer, dateMs: date.ms };
    } catch (error) {
      throw storeError(error, this.name, doing);
    }
  }

  /** The request that `ask` would send for this command. Nothing is sent. */
  async sign(doing: string, signal: AbortSignal, command: Signable): Promise<SignedRequest> {
    const capture = new SigningCapture();
    try {
      await this.client.send(capture.from(command) as never, { abortSignal: signal });
      return capture.request;
    } catch (error) {
      // It was sent after all, and refused: that is the client's fault, and `request` says so.
      if (error instanceof ConditionalCheckFailedException) return capture.request;
      throw storeError(error, this.name, doing);
    }
  }
}
