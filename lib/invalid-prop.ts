import { Token } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { NAME_PATTERN } from "../src/store/schema.js";

/** A prop, or a context value, cannot work. Names it, the rule, the value received and one that would do. */
export class InvalidPropError extends Error {
  override readonly name = "InvalidPropError";

  constructor(
    /** The construct's path; undefined for context values. */
    readonly where: string | undefined,
    readonly prop: string,
    readonly rule: string,
    readonly received: unknown,
    readonly wouldDo: unknown,
  ) {
    super(
      `${where === undefined ? "" : `${where}: `}${prop}: ${rule}; ` +
        `received ${show(received)}, ${show(wouldDo)} would do.`,
    );
  }
}

export function refuse(
  scope: IConstruct,
  prop: string,
  rule: string,
  received: unknown,
  wouldDo: unknown,
): never {
  throw new InvalidPropError(scope.node.path, prop, rule, received, wouldDo);
}

/** Names from outside the app (tokens) are checked by the client, at run time. */
export function checkElection(scope: IConstruct, election: string, prop = "election"): void {
  if (Token.isUnresolved(election)) return;
  if (typeof election === "string" && NAME_PATTERN.test(election)) return;
  refuse(scope, prop, "must be 1 to 200 of A-Z a-z 0-9 . _ / -", election, "billing/nightly");
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  return typeof value === "string" ? value || '""' : (JSON.stringify(value) ?? String(value));
}
