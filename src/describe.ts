import { types } from "node:util";

/**
 * Describes the kind of a value for an error, never its content: a configuration holds keys, a string can be a token.
 * Pure: it runs no code of the value (no getter, no `toString`, no `toJSON`, no trap of a proxy).
 */
export function describe(value: unknown): string {
  const kind = Kind.textOf(value);
  if (kind !== undefined) return kind;
  switch (typeof value) {
    case "string":
      return value === "" ? "an empty string" : `a string of ${counted(value.length, "character")}`;
    case "number":
      return `the number ${value}`;
    case "boolean":
      return `the boolean ${value}`;
    case "bigint":
      return "a bigint";
    case "symbol":
      return "a symbol";
    case "function":
      return types.isProxy(value) ? "a proxy" : "a function";
    case "object":
      return value === null ? "null" : describeObject(value);
    default:
      return "undefined";
  }
}

/** A description that is made elsewhere, for values whose number must not be shown, such as an amount. */
export class Kind {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined if the value is no `Kind`. */
  static textOf(value: unknown): string | undefined {
    return typeof value === "object" && value !== null && #text in value ? value.#text : undefined;
  }
}

function describeObject(value: object): string {
  if (types.isProxy(value)) return "a proxy";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : `an array of ${value.length}`;
  if (isPlain(value)) return `a plain object${looks(value, true)}`;
  const name = className(value);
  const of = name === undefined ? "without a known class" : `of class ${name}`;
  return types.isNativeError(value) ? `an error ${of}` : `an object ${of}${looks(value, false)}`;
}

/** Whether it is an object literal, or has no prototype. False for a proxy: only its traps know. */
export function isPlain(value: object): boolean {
  if (types.isProxy(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  // The Object.prototype of another realm: a vm's context, or a test runner's.
  return (
    typeof prototype === "object" &&
    !types.isProxy(prototype) &&
    Object.getPrototypeOf(prototype) === null &&
    typeof ownData(prototype, "hasOwnProperty") === "function"
  );
}

/** A data property of the value or of its prototypes. It runs no getter, and stops at a proxy. */
export function dataOf(value: unknown, name: string): unknown {
  const holder = chainOf(value).find((object) => Object.hasOwn(object, name));
  return holder && ownData(holder, name);
}

/** The object and its prototypes, up to a proxy. */
function chainOf(value: unknown): object[] {
  const chain: object[] = [];
  for (let next = value; chain.length < 20 && isObject(next) && !types.isProxy(next); ) {
    chain.push(next);
    next = Object.getPrototypeOf(next);
  }
  return chain;
}

/** Fields by which a client's configuration is known. */
const CONFIGURATION = [
  "region",
  "credentials",
  "endpoint",
  "accessKeyId",
  "secretAccessKey",
  "sessionToken",
  "profile",
  "maxAttempts",
];

/** What a user may have passed by mistake. */
function looks(value: object, plain: boolean): string {
  const hasMethod = (name: string) => typeof dataOf(value, name) === "function";
  if (!hasMethod("send") && (hasMethod("makeRequest") || hasMethod("makeServiceRequest"))) {
    return " that looks like an AWS SDK v2 client";
  }
  const isConfiguration = plain && CONFIGURATION.some((name) => Object.hasOwn(value, name));
  return isConfiguration ? " that looks like a client's configuration" : "";
}

/** The name of a class, from its own code: data cannot imitate it. */
function className(value: object): string | undefined {
  for (const prototype of chainOf(Object.getPrototypeOf(value))) {
    const made = ownData(prototype, "constructor");
    if (typeof made === "function" && !types.isProxy(made) && ownData(made, "prototype") === prototype) {
      const name = ownData(made, "name");
      if (typeof name === "string" && /^[A-Za-z_$][\w$]{0,63}$/.test(name)) return name;
    }
  }
  return undefined;
}

function ownData(holder: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(holder, name)?.value;
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** Names the first character that a rule does not allow, as an addition to the rule. "": there is none. */
export function notAllowed(value: unknown, allowed: RegExp): string {
  if (typeof value !== "string") return "";
  const at = [...value.slice(0, MAX_SEARCHED)].findIndex((character) => !allowed.test(character));
  return at < 0 ? "" : ` (character ${at + 1} is not allowed)`;
}

const MAX_SEARCHED = 10_000;

/** An endpoint without the name and password that a URL may carry. */
export function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return describe(url);
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A suggestion that is code, or words. A message shows it without quotation marks. */
export class Code {
  constructor(readonly text: string) {}
}

/** A value that works. It is the only value that an error shows. */
export function suggested(value: unknown): string {
  return `Suggestion: ${value instanceof Code ? value.text : (JSON.stringify(value) ?? "leave it out")}.`;
}
