import type { Attribute, Item } from "../attribute.js";
import { type Condition, placeholders } from "./conditions.js";

/** One conditional update, by attribute names. Placeholders are made from these names. */
export interface Update {
  readonly condition?: Condition;
  /** New values; `undefined` removes the attribute. */
  readonly set: Readonly<Record<string, Attribute | undefined>>;
  readonly add?: Item;
  /** Attributes that get the value that another one had before this update, or `otherwise` if it had none. */
  readonly copy?: Readonly<Record<string, { readonly from: string; readonly otherwise: Attribute }>>;
}

export function updateExpression({ condition, set, add = {}, copy = {} }: Update) {
  const present = Object.entries(set).filter((entry): entry is [string, Attribute] => entry[1] !== undefined);
  const absent = Object.keys(set).filter((name) => set[name] === undefined);
  const copied = Object.entries(copy);
  const section = (keyword: string, parts: string[]) =>
    parts.length > 0 ? [`${keyword} ${parts.join(", ")}`] : [];
  return {
    UpdateExpression: [
      ...section("SET", [
        ...present.map(([name]) => `#${name} = :${name}`),
        ...copied.map(([name, { from }]) => `#${name} = if_not_exists(#${from}, :${name})`),
      ]),
      ...section(
        "REMOVE",
        absent.map((name) => `#${name}`),
      ),
      ...section(
        "ADD",
        Object.keys(add).map((name) => `#${name} :${name}`),
      ),
    ].join(" "),
    ...(condition && { ConditionExpression: condition.expression }),
    ...placeholders({
      names: [
        ...(condition?.names ?? []),
        ...Object.keys(set),
        ...Object.keys(add),
        ...copied.flatMap(([name, { from }]) => [name, from]),
      ],
      values: {
        ...condition?.values,
        ...Object.fromEntries(present),
        ...add,
        ...Object.fromEntries(copied.map(([name, { otherwise }]) => [name, otherwise])),
      },
    }),
  };
}
