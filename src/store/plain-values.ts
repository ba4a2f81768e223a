import { types } from "node:util";
import { Code, dataOf, isPlain, Kind } from "../describe.js";
import type { Attribute, Item } from "./attribute.js";
import { bytesOf, checkDistinct, checkFigures, type Unfit, unfitWithin } from "./attribute-form.js";

/**
 * Converts plain values to attributes, as `DynamoDBDocumentClient` does, but strictly: it refuses a value that would lose
 * digits or its class. It reads each value once, so it sends what it has checked. Throws `UnfitValue`.
 */
export function toAttribute(value: unknown): Attribute | undefined {
  return convert(value, []);
}

/** More entries than a list in an item of 400 KB, DynamoDB's limit, can have. */
const MAX_ENTRIES = 400_000;

/** Undefined: leave it out. `within`: the lists and maps around it. */
function convert(value: unknown, within: readonly object[]): Attribute | undefined {
  const unfit = unfitWithin(within, value, {});
  if (value === undefined) return undefined;
  if (value === null) return { NULL: true };
  if (typeof value === "string") return { S: value };
  if (typeof value === "boolean") return { BOOL: value };
  const figures = numberText(value, unfit);
  if (figures !== undefined) return { N: figures };
  if (typeof value !== "object") throw unfit("must be a value that DynamoDB can hold", undefined);
  const bytes = bytesOf(value);
  if (bytes) return { B: bytes };
  if (types.isSet(value)) return setOf([...value], unfit);
  const inside = [...within, value];
  if (types.isMap(value)) return mapOf([...value], inside, unfit);
  if (Array.isArray(value)) {
    if (value.length > MAX_ENTRIES) throw unfit("must fit into an item of 400 KB", []);
    return { L: value.flatMap((entry) => convert(entry, inside) ?? []) };
  }
  // This runs the traps of a proxy: its author wants it to be written.
  const plain = types.isProxy(value) ? { ...(value as object) } : value;
  if (types.isProxy(value) ? !isPlainBehind(value) : !isPlain(value)) {
    const rule = "must be a plain value; DynamoDB has neither dates nor classes, but strings and maps";
    throw unfit(rule, types.isDate(value) ? "2026-01-31T03:00:00Z" : new Code("a string, or a plain object"));
  }
  return mapOf(Object.entries(plain), inside, unfit);
}

function mapOf(entries: Array<[unknown, unknown]>, inside: readonly object[], unfit: Unfit): Attribute {
  const map: Array<[string, Attribute]> = [];
  for (const [name, value] of entries) {
    if (typeof name !== "string") throw unfit("must have strings as the names of a map", { name: "value" });
    const attribute = convert(value, inside);
    if (attribute) map.push([name, attribute]);
  }
  return { M: Object.fromEntries(map) };
}

function setOf(entries: unknown[], unfit: Unfit): Attribute {
  const members = entries.filter((entry) => entry !== undefined);
  const all = <T>(convertOne: (member: unknown) => T | undefined): T[] | undefined => {
    const converted = members.flatMap((member) => convertOne(member) ?? []);
    return converted.length === members.length ? converted : undefined;
  };
  const strings = all((member) => (typeof member === "string" ? member : undefined));
  if (strings) return checkDistinct({ SS: strings }, unfit);
  const numbers = all((member) => numberText(member, unfit));
  if (numbers) return checkDistinct({ NS: numbers }, unfit);
  const binaries = all((member) => (typeof member === "object" && member ? bytesOf(member) : undefined));
  if (binaries) return checkDistinct({ BS: binaries }, unfit);
  const rule = "must be a set of strings, of numbers, or of bytes";
  throw unfit(rule, undefined, new Kind("a set of other values"));
}

/** Undefined if it is no number. */
function numberText(value: unknown, unfit: Unfit): string | undefined {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw unfit("must be a finite number", 0);
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      const rule = "must be within ±9007199254740991, or a bigint or NumberValue, which keep every digit";
      throw unfit(rule, new Code('new NumberValue("9007199254740993")'), new Kind("a number beyond that"));
    }
  }
  const figures = typeof value === "number" || typeof value === "bigint" ? String(value) : numberValue(value);
  return figures === undefined ? undefined : checkFigures(figures, unfit, 0);
}

/** Whether it is a `NumberValue` of the SDK, of any copy of the SDK. */
function numberValue(value: unknown): string | undefined {
  const figures = dataOf(value, "value");
  const isOne = typeof dataOf(value, "toAttributeValue") === "function" && typeof figures === "string";
  return isOne ? figures : undefined;
}

function isPlainBehind(proxy: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(proxy);
  return prototype === null || prototype === Object.prototype;
}

/** The plain values of an item, as `DynamoDBDocumentClient` returns them. */
export function fromAttributes(item: Item): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item).map(([name, attribute]) => [name, fromAttribute(attribute)]),
  );
}

function fromAttribute(attribute: Attribute): unknown {
  if ("N" in attribute) return fromFigures(attribute.N);
  if ("NULL" in attribute) return null;
  if ("L" in attribute) return attribute.L.map(fromAttribute);
  if ("M" in attribute) return fromAttributes(attribute.M);
  if ("NS" in attribute) return new Set(attribute.NS.map(fromFigures));
  const [content] = Object.values(attribute);
  return Array.isArray(content) ? new Set(content) : content;
}

/** A bigint where a number would lose digits. A fraction there stays text; the SDK's own conversion throws. */
function fromFigures(figures: string): number | bigint | string {
  const number = Number(figures);
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER) return number;
  return /^-?\d+$/.test(figures) ? BigInt(figures) : figures;
}
