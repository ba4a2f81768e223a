import { MalformedLeaseError } from "../errors.js";
import type { Attribute, Item } from "./expressions.js";

/** One row as it came, each attribute checked when it is asked for. */
export class Row {
  constructor(
    private readonly election: string,
    private readonly sortKey: string,
    private readonly item: Item,
  ) {}

  has(name: string): boolean {
    return this.item[name] !== undefined;
  }

  integer(name: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
    const attribute = this.item[name];
    const value = attribute && "N" in attribute ? Number(attribute.N) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    const upTo = most === Number.MAX_SAFE_INTEGER ? "" : ` to ${most}`;
    throw this.malformed(name, `must be a whole number (N) from ${least}${upTo}`, attribute, { N: "15000" });
  }

  optionalInteger(name: string, least: number, most?: number): number | undefined {
    return this.has(name) ? this.integer(name, least, most) : undefined;
  }

  text(name: string): string | undefined {
    const attribute = this.item[name];
    if (attribute === undefined) return undefined;
    if ("S" in attribute) return attribute.S;
    throw this.malformed(name, "must be a string (S)", attribute, { S: "worker-1" });
  }

  texts(name: string): string[] | undefined {
    const attribute = this.item[name];
    if (attribute === undefined) return undefined;
    if ("L" in attribute && attribute.L.every((entry) => "S" in entry)) {
      return attribute.L.map((entry) => ("S" in entry ? entry.S : ""));
    }
    throw this.malformed(name, "must be a list (L) of strings (S)", attribute, { L: [{ S: "worker-2" }] });
  }

  malformed(name: string, rule: string, found: Attribute | undefined, wouldDo: Attribute) {
    return new MalformedLeaseError(this.election, name, rule, found ?? "nothing", wouldDo, this.sortKey);
  }
}
