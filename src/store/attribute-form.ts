import { types } from "node:util";
import { isPlain, Kind } from "../describe.js";
import { type Attribute, canonical, numberProblem, TYPES } from "./attribute.js";

/** How deep values can be nested in DynamoDB. An attribute's own value is the first level. */
const MAX_DEPTH = 32;

/** A value of an action that DynamoDB would refuse. */
export class UnfitValue extends Error {
  override readonly name = "UnfitValue";

  constructor(
    readonly rule: string,
    readonly received: unknown,
    readonly suggestion: unknown,
    /** Levels below the top-level attribute. */
    readonly depth: number,
  ) {
    super(rule);
  }
}

export type Unfit = (rule: string, suggestion: unknown, received?: unknown) => UnfitValue;

/** How to refuse a value that stands within these lists and maps. Throws if it is too deep, or one of them. */
export function unfitWithin(within: readonly object[], value: unknown, empty: unknown): Unfit {
  const unfit: Unfit = (rule, suggestion, received = value) =>
    new UnfitValue(rule, received, suggestion, within.length);
  if (within.length >= MAX_DEPTH) throw unfit(`must not be nested more than ${MAX_DEPTH} levels deep`, {});
  if (within.some((outer) => outer === value)) throw unfit("must not contain itself", empty);
  return unfit;
}

/** The same attribute, checked and copied: `{ S: "a" }` as DynamoDB takes it. Throws `UnfitValue`. */
export function checkAttribute(value: unknown): Attribute {
  return check(value, []);
}

function check(value: unknown, within: readonly object[]): Attribute {
  const unfit = unfitWithin(within, value, { L: [] });
  const oneType = `must be an attribute value, with exactly one of ${TYPES.join(", ")}, as the key's are`;
  if (typeof value !== "object" || value === null) throw unfit(oneType, { S: "a" });
  const entries = Object.entries(value).filter(([, content]) => content !== undefined);
  const [tag, content] = entries[0] ?? [];
  const type = TYPES.find((known) => known === tag);
  if (entries.length !== 1 || type === undefined) throw unfit(oneType, { S: "a" });
  const inside = [...within, value];
  switch (type) {
    case "S":
      if (typeof content === "string") return { S: content };
      throw unfit("must have a string as S", { S: "a" }, content);
    case "N":
      return { N: checkNumber(content, unfit) };
    case "B":
      return { B: checkBytes(content, unfit) };
    case "BOOL":
      if (typeof content === "boolean") return { BOOL: content };
      throw unfit("must have true or false as BOOL", { BOOL: true }, content);
    case "NULL":
      if (content === true) return { NULL: true };
      throw unfit("must have true as NULL", { NULL: true }, content);
    case "SS":
      return checkDistinct({ SS: listOf(content, unfit).map((text) => checkText(text, unfit)) }, unfit);
    case "NS":
      return checkDistinct({ NS: listOf(content, unfit).map((text) => checkNumber(text, unfit)) }, unfit);
    case "BS":
      return checkDistinct({ BS: listOf(content, unfit).map((bytes) => checkBytes(bytes, unfit)) }, unfit);
    case "L":
      return { L: listOf(content, unfit).map((entry) => check(entry, inside)) };
    case "M": {
      if (typeof content !== "object" || content === null || !(types.isProxy(content) || isPlain(content))) {
        throw unfit("must have a plain object as M", { M: {} }, content);
      }
      const named = Object.entries(content).filter(([, entry]) => entry !== undefined);
      return { M: Object.fromEntries(named.map(([name, entry]) => [name, check(entry, inside)])) };
    }
  }
}

function listOf(content: unknown, unfit: Unfit): unknown[] {
  if (Array.isArray(content)) return content;
  throw unfit("must have an array as its content", { L: [] }, content);
}

function checkText(text: unknown, unfit: Unfit): string {
  if (typeof text === "string") return text;
  throw unfit("must be a set of strings", { SS: ["a"] }, new Kind("a set of other values"));
}

function checkNumber(figures: unknown, unfit: Unfit): string {
  if (typeof figures !== "string") {
    const kind = typeof figures === "number" ? new Kind("a number without quotes") : figures;
    throw unfit("must have its figures as a string", { N: "1" }, kind);
  }
  return checkFigures(figures, unfit, { N: "1" });
}

/** The same figures, if DynamoDB can hold the number. */
export function checkFigures(figures: string, unfit: Unfit, suggestion: unknown): string {
  const problem = numberProblem(figures);
  if (problem !== undefined) throw unfit(problem.rule, suggestion, new Kind(problem.found));
  return figures;
}

function checkBytes(content: unknown, unfit: Unfit): Uint8Array {
  const bytes = typeof content === "object" && content !== null ? bytesOf(content) : undefined;
  if (bytes) return bytes;
  throw unfit("must have a Uint8Array as its bytes", undefined, content);
}

/** A copy, so that a second try sends the same bytes. */
export function bytesOf(value: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  }
  return types.isAnyArrayBuffer(value) ? new Uint8Array(value).slice() : undefined;
}

/** DynamoDB has no empty sets. To DynamoDB 1 and 1.0 are the same member. */
export function checkDistinct(set: Attribute, unfit: Unfit): Attribute {
  const isEmpty = Object.values(set).some((members) => members.length === 0);
  if (isEmpty) throw unfit("must not be an empty set: leave it out", undefined, new Kind("an empty set"));
  try {
    canonical(set);
    return set;
  } catch {
    const kind = new Kind("a set that has a member twice");
    throw unfit("must be a set of different members", undefined, kind);
  }
}
