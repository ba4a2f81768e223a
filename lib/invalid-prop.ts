import { Token } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { describe, Kind, notAllowed } from "../src/describe.js";
import { NAME_PATTERN, NAME_RULE } from "../src/limits.js";

/** A value that is known at deployment. A token of a number looks like a number. */
export const A_TOKEN = new Kind("a token, whose value is known at deployment");

/**
 * A prop or a context value cannot work. The message names it, the rule, the kind of value received and a value that
 * works. The value itself is not kept, because it can hold secrets.
 */
export class InvalidPropError extends Error {
  override readonly name = "InvalidPropError";
  /** The kind of value, such as `a string of 12 characters`. */
  readonly received: string;

  constructor(
    /** The construct's path; undefined for context values. */
    readonly where: string | undefined,
    readonly prop: string,
    readonly rule: string,
    received: unknown,
    readonly suggestion: unknown,
  ) {
    const kind = describe(Token.isUnresolved(received) ? A_TOKEN : received);
    super(
      `${where === undefined ? "" : `${where}: `}${prop}: ${rule}; received ${kind}. Suggestion: ${show(suggestion)}.`,
    );
    this.received = kind;
  }
}

export function refuse(
  scope: IConstruct,
  prop: string,
  rule: string,
  received: unknown,
  suggestion: unknown,
): never {
  throw new InvalidPropError(scope.node.path, prop, rule, received, suggestion);
}

/** In plain JavaScript a prop can be missing. `examples` has one for each prop that must not be. */
export function checkGiven(
  scope: IConstruct,
  props: object | undefined,
  examples: Record<string, string>,
): void {
  for (const [prop, example] of Object.entries(examples)) {
    const value: unknown = (props as Record<string, unknown> | undefined)?.[prop];
    if (value === undefined || value === null) refuse(scope, prop, "must be given", value, example);
  }
}

/** Names from outside the app (tokens) are checked by the client, at run time. */
export function checkElection(scope: IConstruct, election: string, prop = "election"): void {
  if (Token.isUnresolved(election)) return;
  if (typeof election === "string" && NAME_PATTERN.test(election)) return;
  const rule = `${NAME_RULE}${notAllowed(election, /[A-Za-z0-9._/-]/)}`;
  refuse(scope, prop, rule, election, "billing/nightly");
}

/** For suggestions only. Most are code, so they have no quotation marks. */
function show(suggestion: unknown): string {
  return typeof suggestion === "string" ? suggestion : (JSON.stringify(suggestion) ?? "leave it out");
}
