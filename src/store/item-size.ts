import type { Attribute } from "./attribute.js";
import type { Action } from "./transaction.js";

/** The approximate bytes of an action in a request, because DynamoDB limits the size of a transaction. */
export function sizeOf({ keyOrItem, values = {}, ...action }: Action): number {
  const texts = [action.tableName, action.updateExpression, action.conditionExpression];
  const expressions = texts.reduce((sum, text) => sum + lengthOf(text ?? ""), 0);
  return expressions + ofMap(keyOrItem) + ofMap(values);
}

function ofMap(attributes: Record<string, Attribute>): number {
  return Object.entries(attributes).reduce((sum, [name, value]) => sum + lengthOf(name) + ofValue(value), 0);
}

function ofValue(attribute: Attribute): number {
  if ("M" in attribute) return 3 + ofMap(attribute.M);
  if ("L" in attribute) return attribute.L.reduce((sum, value) => sum + 1 + ofValue(value), 3);
  const [content] = Object.values(attribute) as [unknown];
  const members: readonly unknown[] = Array.isArray(content) ? content : [content];
  return members.reduce<number>((sum, member) => sum + ofScalar(member), 1);
}

function ofScalar(content: unknown): number {
  if (typeof content === "string") return lengthOf(content);
  return ArrayBuffer.isView(content) || content instanceof ArrayBuffer ? content.byteLength : 1;
}

function lengthOf(text: string): number {
  return Buffer.byteLength(text);
}
