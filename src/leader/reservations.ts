import type { ReleaseOptions } from "../lease-client.js";
import type { Held } from "../protocol/lease.js";
import { placeOf } from "../protocol/takeover.js";
import type { ResolvedOptions } from "../resolve-options.js";
import { noticeMs } from "./announcement.js";

type Reserve = ReleaseOptions["reserve"];

/** Keeps the lease for one candidate until it must have polled, and no longer: it may be dead. */
export function reservationFor(candidateId: string, lease: Held, options: ResolvedOptions): Reserve {
  return { candidateId, forMs: noticeMs(options.renewIntervalMs, placeOf(lease, candidateId)) };
}

/** Keeps the lease for this candidate's group, or for this candidate (rule 7g). */
export function reservationForGroup(
  forMs: number | undefined,
  { group, candidateId }: ResolvedOptions,
): Reserve {
  if (forMs === undefined) return undefined;
  return { ...(group === undefined ? { candidateId } : { group }), forMs };
}
