import type { IConstruct } from "constructs";
import { nearestPath } from "../src/nearest-path.js";
import { refuse } from "./invalid-prop.js";

/** The names of all props of one kind. TypeScript compares it with the props. */
export type NamesOf<Props extends object> = Readonly<Record<keyof Props, true>>;

/**
 * Refuses a misspelt prop. In plain JavaScript, and where props are spread (`{ ...job, timeOut }`), TypeScript says nothing, and
 * the default would be used. Names that resemble none of ours are left alone: a construct that extends this one can have more
 * props. So is a name beside the prop that it resembles.
 * @param group the prop whose value has these names; undefined: they are the construct's own
 */
export function checkPropNames<Props extends object>(
  scope: IConstruct,
  props: Props | undefined,
  names: NamesOf<Props>,
  group?: string,
): void {
  if (typeof props !== "object" || props === null) return;
  for (const [name, value] of Object.entries(props)) {
    if (Object.hasOwn(names, name) || value === undefined) continue;
    const nearest = nearestPath(name, Object.keys(names));
    if (nearest === undefined || Object.hasOwn(props, nearest)) continue;
    const path = group === undefined ? name : `${group}.${name}`;
    refuse(scope, path, `is not a prop (did you mean ${nearest}?)`, value, nearest);
  }
}
