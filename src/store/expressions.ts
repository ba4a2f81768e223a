export type Attribute =
  | { S: string }
  | { N: string }
  | { B: Uint8Array }
  | { BOOL: boolean }
  | { NULL: true }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: Uint8Array[] }
  | { L: Attribute[] }
  | { M: Record<string, Attribute> };
export type Item = Record<string, Attribute>;
export class ExpressionError extends Error {}
export function evaluateCondition(
  _e: string,
  _n: Record<string, string> | undefined,
  _v: Record<string, Attribute> | undefined,
  _i: Item | undefined,
): boolean {
  throw new ExpressionError("stub");
}
export function applyUpdate(
  _e: string,
  _n: Record<string, string> | undefined,
  _v: Record<string, Attribute> | undefined,
  _i: Item | undefined,
  _k: Item,
): Item {
  throw new ExpressionError("stub");
}
