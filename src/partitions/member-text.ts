import { MAX_PARTITIONS } from "../limits.js";
import type { Member } from "./assignment.js";

/** What a member tells the others in its row, beside the attributes of every candidate. */
export type Told = Pick<Member, "count" | "maxPerMember" | "holds" | "avoids">;

/** More of them would not fit into the row. */
export const MAX_AVOIDED = 50;

/** A bit per partition, so that the text of 4,096 partitions still fits into a row that is read often. */
export function textOf({ count, maxPerMember, holds, avoids }: Told): string {
  const bytes = new Uint8Array(Math.ceil((Math.max(-1, ...holds) + 1) / 8));
  for (const partition of holds)
    bytes[partition >> 3] = (bytes[partition >> 3] ?? 0) | (1 << (partition & 7));
  const told = { count, maxPerMember, holds: Buffer.from(bytes).toString("base64") };
  return JSON.stringify({ ...told, ...(avoids && { avoids: [...avoids] }) });
}

/** Undefined: the row is no member's, as that of a candidate of an election with the same name. */
export function toldIn(text: string | undefined): Told | undefined {
  if (text === undefined) return undefined;
  let parsed: Partial<Record<keyof Told, unknown>> | null;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { count, maxPerMember, holds, avoids } = parsed ?? {};
  if (!isCount(count) || !isCount(maxPerMember) || typeof holds !== "string") return undefined;
  const bytes = Buffer.from(holds, "base64").subarray(0, MAX_PARTITIONS / 8);
  const held = [...bytes].flatMap((byte, i) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => 8 * i + bit),
  );
  const avoided = Array.isArray(avoids)
    ? avoids.filter((p) => isPartition(p) && p < count).slice(0, MAX_AVOIDED)
    : [];
  return {
    count,
    maxPerMember,
    holds: new Set(held),
    ...(avoided.length > 0 && { avoids: new Set(avoided) }),
  };
}

function isPartition(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_PARTITIONS;
}
