import type { Attribute, Item } from "../attribute.js";

/** One conditional update, by attribute names; placeholders are made from them. */
export interface Update {
  readonly condition?: string;
  /** Names that the condition uses beside those it sets, for its `#name` placeholders. */
  readonly names?: readonly string[];
  /** Values that the condition uses beside those it sets, for its `:value` placeholders. */
  readonly values?: Item;
  /** New values; `undefined` removes the attribute. */
  readonly set: Readonly<Record<string, Attribute | undefined>>;
  readonly add?: Item;
}

export function updateExpression(update: Update) {
  const names = new Set([
    ...(update.names ?? []),
    ...Object.keys(update.set),
    ...Object.keys(update.add ?? {}),
  ]);
  const present = Object.entries(update.set).filter(
    (entry): entry is [string, Attribute] => entry[1] !== undefined,
  );
  const absent = Object.keys(update.set).filter((name) => update.set[name] === undefined);
  const added = Object.entries(update.add ?? {});
  const section = (keyword: string, parts: string[]) =>
    parts.length > 0 ? [`${keyword} ${parts.join(", ")}`] : [];
  const values = [...Object.entries(update.values ?? {}), ...present, ...added];
  return {
    UpdateExpression: [
      ...section(
        "SET",
        present.map(([name]) => `#${name} = :${name}`),
      ),
      ...section(
        "REMOVE",
        absent.map((name) => `#${name}`),
      ),
      ...section(
        "ADD",
        added.map(([name]) => `#${name} :${name}`),
      ),
    ].join(" "),
    ...(update.condition !== undefined && { ConditionExpression: update.condition }),
    ExpressionAttributeNames: Object.fromEntries([...names].map((name) => [`#${name}`, name])),
    // DynamoDB refuses a map of none.
    ...(values.length > 0 && {
      ExpressionAttributeValues: Object.fromEntries(values.map(([name, value]) => [`:${name}`, value])),
    }),
  };
}
