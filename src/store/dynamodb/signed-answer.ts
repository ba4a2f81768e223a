import { dataOf } from "../../describe.js";
import type { Written } from "../../protocol/verbs.js";
import type { Item } from "../attribute.js";
import type { HttpAnswer } from "../signed-request.js";
import { storeError } from "./errors.js";
import { toLease } from "./lease-codec.js";

/** The answer to a signed write on the lease row, read without the SDK. Throws what the verbs reject with. */
export function writtenBy({ status, body }: HttpAnswer, election: string, tableName: string): Written {
  const answer = parsed(body);
  const attributes = dataOf(answer, "Attributes");
  if (status === 200 && attributes !== undefined)
    return { done: true, lease: toLease(election, attributes as Item) };
  const type = String(dataOf(answer, "__type") ?? `HttpStatus${status}`).replace(/^.*#/, "");
  if (type === "ConditionalCheckFailedException") {
    const item = dataOf(answer, "Item");
    return { done: false, lease: item === undefined ? undefined : toLease(election, item as Item) };
  }
  const error = new Error(String(dataOf(answer, "message") ?? dataOf(answer, "Message") ?? ""));
  error.name = type;
  throw storeError(error, tableName, "renew the lease");
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
