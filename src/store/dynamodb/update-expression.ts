import { type Condition, placeholders } from "./conditions.js";
import type { Fact, Facts } from "./facts.js";

/** One conditional update, by attribute names. Placeholders are made from these names. */
export interface Update {
  readonly condition?: Condition;
  /** New values; `undefined` removes the attribute. */
  readonly set: Facts;
  readonly add?: Readonly<Record<string, number>>;
  /** Attributes that get the value that another one had before this update, or `otherwise` if it had none. */
  readonly copy?: Readonly<Record<string, { readonly from: string; readonly otherwise: Fact }>>;
}

export function updateExpression({ condition, set, add = {}, copy = {} }: Update) {
  const names = Object.keys(set);
  const copied = Object.entries(copy);
  const section = (keyword: string, parts: string[]) =>
    parts.length > 0 ? [`${keyword} ${parts.join(", ")}`] : [];
  const expression = [
    ...section("SET", [
      ...names.filter((name) => set[name] !== undefined).map((name) => `#${name} = :${name}`),
      ...copied.map(([name, { from }]) => `#${name} = if_not_exists(#${from}, :${name})`),
    ]),
    ...section(
      "REMOVE",
      names.filter((name) => set[name] === undefined).map((name) => `#${name}`),
    ),
    ...section(
      "ADD",
      Object.keys(add).map((name) => `#${name} :${name}`),
    ),
  ].join(" ");
  return {
    UpdateExpression: expression,
    ...(condition && { ConditionExpression: condition.expression }),
    ...placeholders(`${condition?.expression ?? ""} ${expression}`, {
      ...condition?.values,
      ...set,
      ...add,
      ...Object.fromEntries(copied.map(([name, { otherwise }]) => [name, otherwise])),
    }),
  };
}
