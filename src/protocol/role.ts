import { standbyOf } from "./leader.js";
import type { Lease } from "./lease.js";

/** `standby`: first in line. `waiting`: behind it, or there is no line. `observer`: not eligible. */
export type Role = "leader" | "standby" | "waiting" | "observer";

/** A candidate's role, as the lease row says. */
export function roleOf(lease: Lease | undefined, candidateId: string, eligible: boolean): Role {
  if (lease?.holder === candidateId) return "leader";
  if (!eligible) return "observer";
  return lease && standbyOf(lease) === candidateId ? "standby" : "waiting";
}
