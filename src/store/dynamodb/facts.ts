import type { Attribute, Item } from "../attribute.js";

/** What a row says, or what a condition compares with. */
export type Fact = string | number | boolean | readonly string[];

/** By attribute name. `undefined`: not known. */
export type Facts = Readonly<Record<string, Fact | undefined>>;

/** The attributes of the facts that are known. */
export function attributes(facts: Facts): Item {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, fact]) => (fact === undefined ? [] : [[name, attributeOf(fact)]])),
  );
}

function attributeOf(fact: Fact): Attribute {
  if (typeof fact === "string") return { S: fact };
  if (typeof fact === "number") return { N: String(fact) };
  return typeof fact === "boolean" ? { BOOL: fact } : { L: fact.map(attributeOf) };
}
