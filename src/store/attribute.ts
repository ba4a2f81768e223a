/** DynamoDB's values: which are valid, which are equal, and how they are ordered and added. */

export type Attribute =
  | { S: string }
  | { N: string }
  | { B: Uint8Array }
  | { BOOL: boolean }
  | { NULL: true }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: Uint8Array[] }
  | { L: Attribute[] }
  | { M: Record<string, Attribute> };
export type Item = Record<string, Attribute>;

export function s(value: string): Attribute {
  return { S: value };
}

export function n(value: number): Attribute {
  return { N: String(value) };
}

export const TYPES = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"] as const;
export type AttributeType = (typeof TYPES)[number];

/** DynamoDB would refuse an expression, or what it does to an item. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
}

export function typeOf(attribute: Attribute): AttributeType {
  const types = Object.keys(attribute);
  const type = TYPES.find((known) => known === types[0]);
  if (types.length !== 1 || !type) {
    throw new ExpressionError(`a value must have exactly one type, not ${types.length}`);
  }
  return type;
}

/** The same text for all forms of one value, so that 1 and 1.0 are equal. Throws if DynamoDB would refuse the value. */
export function canonical(attribute: Attribute): string {
  return `${typeOf(attribute)}:${canonicalContent(attribute)}`;
}

function canonicalContent(attribute: Attribute): string {
  if ("S" in attribute) return JSON.stringify(attribute.S);
  if ("B" in attribute) return JSON.stringify(bytes(attribute));
  if ("N" in attribute) {
    const { digits, exponent } = decimal(attribute.N);
    return `${digits}e${exponent}`;
  }
  if ("BOOL" in attribute) return String(attribute.BOOL);
  if ("NULL" in attribute) {
    if (!attribute.NULL) throw new ExpressionError("NULL must be true");
    return "";
  }
  if ("L" in attribute) return `[${attribute.L.map(canonical)}]`;
  if ("M" in attribute) {
    const entries = Object.entries(attribute.M).map(
      ([name, value]) => JSON.stringify(name) + canonical(value),
    );
    return `{${entries.sort()}}`;
  }
  const members = (elements(attribute) ?? []).map(canonical).sort();
  if (members.length === 0) throw new ExpressionError("a set may not be empty");
  if (new Set(members).size < members.length) throw new ExpressionError("a set has a member twice");
  return members.join();
}

export function equal(a: Attribute, b: Attribute): boolean {
  return canonical(a) === canonical(b);
}

/** Negative, zero or positive; undefined when there is no order between the two. */
export function compare(a: Attribute, b: Attribute): number | undefined {
  if ("N" in a && "N" in b) return Number(sum(a.N, b.N, -1n).digits);
  if (typeOf(a) !== typeOf(b)) return undefined;
  const [one, other] = [bytes(a), bytes(b)];
  if (one === undefined || other === undefined) return undefined;
  return one < other ? -1 : one > other ? 1 : 0;
}

/** One character per byte of UTF-8. DynamoDB orders strings by these bytes, and JavaScript does not. */
export function bytes(attribute: Attribute): string | undefined {
  if ("S" in attribute) return Buffer.from(attribute.S).toString("latin1");
  if ("B" in attribute) return Buffer.from(attribute.B).toString("latin1");
  return undefined;
}

/** The members of a list or a set. */
export function elements(attribute: Attribute): Attribute[] | undefined {
  if ("L" in attribute) return attribute.L;
  if ("SS" in attribute) return attribute.SS.map((S) => ({ S }));
  if ("NS" in attribute) return attribute.NS.map((N) => ({ N }));
  if ("BS" in attribute) return attribute.BS.map((B) => ({ B }));
  return undefined;
}

/** Undefined if there are none: DynamoDB has no empty sets. */
export function setOf(type: AttributeType, members: Attribute[]): Attribute | undefined {
  if (members.length === 0) return undefined;
  return { [type]: members.map((member) => Object.values(member)[0]) } as unknown as Attribute;
}

export function add(a: string, b: string, sign: 1n | -1n = 1n): Attribute {
  const { digits, exponent } = checkRange(sum(a, b, sign));
  const [minus, figures] = digits < 0n ? ["-", `${-digits}`] : ["", `${digits}`];
  if (exponent >= 0) return { N: minus + figures + "0".repeat(exponent) };
  const padded = figures.padStart(1 - exponent, "0");
  return { N: `${minus}${padded.slice(0, exponent)}.${padded.slice(exponent)}` };
}

/** digits × 10^exponent, without trailing zeros: DynamoDB's numbers have 38 digits, a double has 15. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

function decimal(text: string): Decimal {
  const number = parsed(text);
  if (number === undefined) throw new ExpressionError("a number (N) is none");
  return checkRange(number);
}

function parsed(text: string): Decimal | undefined {
  const [, sign, whole = "", part = "", power = "0"] =
    /^([+-]?)(?=\.?\d)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const digits = BigInt(whole + part);
  return trim(sign === "-" ? -digits : digits, Number(power) - part.length);
}

/** Far more digits than any number has, with zeros. */
const MAX_NUMBER = 1_000;

/** The rule of DynamoDB's numbers that the text breaks, and what was found, without its digits. */
export function numberProblem(text: string): { rule: string; found: string } | undefined {
  const number = text.length > MAX_NUMBER ? undefined : parsed(text);
  if (number === undefined) return { rule: "must be a decimal number", found: "figures that are none" };
  return rangeProblem(number);
}

const MAX_DIGITS = 38;
const MAX_MAGNITUDE = 125;
const MIN_MAGNITUDE = -130;

function rangeProblem({ digits, exponent }: Decimal): { rule: string; found: string } | undefined {
  const { length } = `${digits}`.replace("-", "");
  const magnitude = exponent + length - 1;
  if (length > MAX_DIGITS) {
    return { rule: `must have at most ${MAX_DIGITS} digits`, found: `a number of ${length} digits` };
  }
  if (magnitude >= MIN_MAGNITUDE && magnitude <= MAX_MAGNITUDE) return undefined;
  return {
    rule: "must be 0, or from 1E-130 to 9.9…E+125 on either side of it",
    found: "a number beyond that",
  };
}

function sum(a: string, b: string, sign: bigint): Decimal {
  const [one, other] = [decimal(a), decimal(b)];
  const exponent = Math.min(one.exponent, other.exponent);
  const scaled = (number: Decimal) => number.digits * 10n ** BigInt(number.exponent - exponent);
  return trim(scaled(one) + sign * scaled(other), exponent);
}

function trim(digits: bigint, exponent: number): Decimal {
  if (digits === 0n) return { digits, exponent: 0 };
  const zeros = /0*$/.exec(`${digits}`)?.[0].length ?? 0;
  return { digits: digits / 10n ** BigInt(zeros), exponent: exponent + zeros };
}

function checkRange(number: Decimal): Decimal {
  const problem = rangeProblem(number);
  if (problem !== undefined) throw new ExpressionError(`a number ${problem.rule}`);
  return number;
}
