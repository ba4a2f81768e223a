import type { ReleaseOptions } from "../lease-client.js";
import type { ResolvedOptions } from "../resolve-options.js";

type Reserve = ReleaseOptions["reserve"];

/** Keeps the lease for this candidate's group, or for this candidate (rule 7g). */
export function reservationForGroup(
  forMs: number | undefined,
  { group, candidateId }: ResolvedOptions,
): Reserve {
  if (forMs === undefined) return undefined;
  return { ...(group === undefined ? { candidateId } : { group }), forMs };
}
