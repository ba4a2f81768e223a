import { MalformedLeaseError } from "../../errors.js";
import { checkSchemaVersion } from "../../protocol/schema-version.js";
import { isNormalTick } from "../../protocol/tick-form.js";
import { type Attribute, type Item, TYPES } from "../attribute.js";

/** One row that was read. Each attribute is checked when it is used. */
export class Row {
  constructor(
    private readonly election: string,
    private readonly sortKey: string,
    private readonly item: Item,
  ) {}

  /** Rule 1h. Comes first: in a newer row the other attributes may be written otherwise. */
  checkVersion(): void {
    const schemaVersion = this.optionalInteger("schemaVersion", 1);
    checkSchemaVersion(this.election, this.sortKey, { schemaVersion });
  }

  has(name: string): boolean {
    return this.item[name] !== undefined;
  }

  integer(name: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
    const attribute = this.item[name];
    // If rounding loses a fraction, no condition on this number can ever be true.
    const isWhole = attribute && "N" in attribute && /^-?\d{1,16}$/.test(attribute.N);
    const value = isWhole ? Number(attribute.N) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    const upTo = max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`;
    // Of a version, a larger number would shut every client out.
    const suggestion = { N: name === "schemaVersion" ? "1" : "15000" };
    const rule = `must be a whole number (N) from ${min}${upTo}`;
    throw this.malformed(name, rule, kindOf(attribute, min, max), suggestion);
  }

  optionalInteger(name: string, min: number, max?: number): number | undefined {
    return this.has(name) ? this.integer(name, min, max) : undefined;
  }

  text(name: string): string | undefined {
    const attribute = this.item[name];
    if (attribute === undefined) return undefined;
    if ("S" in attribute) return attribute.S;
    throw this.malformed(name, "must be a string (S)", kindOf(attribute), { S: "worker-1" });
  }

  tick(name: string): string | undefined {
    const text = this.text(name);
    if (text === undefined || isNormalTick(text)) return text;
    const rule =
      "must be a tick as this library writes it: at most 100 characters, an instant in UTC with milliseconds";
    throw this.malformed(name, rule, "S of another form", { S: "2026-01-31T03:00:00.000Z" });
  }

  texts(name: string): string[] | undefined {
    const attribute = this.item[name];
    if (attribute === undefined) return undefined;
    if ("L" in attribute && attribute.L.every((entry) => "S" in entry)) {
      return attribute.L.map((entry) => ("S" in entry ? entry.S : ""));
    }
    throw this.malformed(name, "must be a list (L) of strings (S)", kindOf(attribute), {
      L: [{ S: "worker-2" }],
    });
  }

  malformed(name: string, rule: string, found: string, suggestion: Attribute | undefined) {
    return new MalformedLeaseError(this.election, name, rule, found, suggestion, this.sortKey);
  }
}

/** The kind of attribute, never its content. For a number with limits: whether it is above or below them. */
export function kindOf(
  attribute: Attribute | undefined,
  min?: number,
  max = Number.MAX_SAFE_INTEGER,
): string {
  if (attribute === undefined) return "nothing";
  const type = TYPES.find((known) => known in attribute);
  if (type === undefined) return "no attribute value";
  if (!("N" in attribute) || min === undefined) return type;
  const value = Number(attribute.N);
  if (!Number.isInteger(value)) return "N that is no whole number";
  return value < min ? `N below ${min}` : `N above ${max}`;
}

/** The attribute's text. Undefined: it is no text, or missing. */
export function textOf(attribute: Attribute | undefined): string | undefined {
  return attribute && "S" in attribute ? attribute.S : undefined;
}

/** The attribute's number. Undefined: it is no whole number, or missing. */
export function numberOf(attribute: Attribute | undefined): number | undefined {
  const value = attribute && "N" in attribute ? Number(attribute.N) : undefined;
  return Number.isSafeInteger(value) ? value : undefined;
}
