import { standbyOf } from "./leader.js";
import { holderOf, type Lease } from "./lease.js";

/** A candidate's role. `standby`: it is the first in line. `waiting`: it is not. `observer`: it is not eligible. */
export type Role = "leader" | "standby" | "waiting" | "observer";

/** A candidate's role, by the lease row. */
export function roleOf(lease: Lease | undefined, candidateId: string, eligible: boolean): Role {
  if (holderOf(lease) === candidateId) return "leader";
  if (!eligible) return "observer";
  return lease && standbyOf(lease) === candidateId ? "standby" : "waiting";
}
