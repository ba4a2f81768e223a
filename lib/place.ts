import { Token, TokenComparison } from "aws-cdk-lib";

/** Where a resource is. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

/** What surely differs. Undefined: nothing, or it is known at deployment only. */
export function differenceOf(one: Place, other: Place): "account" | "Region" | undefined {
  const differ = (part: keyof Place) =>
    Token.compareStrings(one[part], other[part]) === TokenComparison.DIFFERENT;
  if (differ("account")) return "account";
  return differ("region") ? "Region" : undefined;
}
