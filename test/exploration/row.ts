import type { EndReason } from "../../src/errors.js";
import type { Lease } from "../../src/protocol/lease.js";

/** Facts of a row in whatever state it is; undefined where it tells none. */

export function endReasonOf(row: Lease | undefined): EndReason | undefined {
  return row?.kind === "vacant" ? row.endReason : undefined;
}

export function expiresAtOf(row: Lease | undefined): number | undefined {
  return row === undefined || row.kind === "placeholder" ? undefined : row.expiresAt;
}
