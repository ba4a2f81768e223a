import type { Burst } from "./burst.js";
import { LEASE_MS, RENEW_MS } from "./messages.js";
import type { Usage } from "./session-messages.js";

export const SIZES = [1, 10, 100, 1_000, 10_000];
/** The time between two looks at a held row is eight leases, so this has two of them. */
export const STEADY_LEASES = 16;

/** To take ten thousand leases lasts longer than many leases of the bench, so there they are as long as they are by default. */
export const timesOf = (leases: number) =>
  leases < 10_000 ? { leaseMs: LEASE_MS, renewMs: RENEW_MS } : { leaseMs: 15_000, renewMs: 5_000 };

/** One measurement with so many leases in one process, and two more that wait for all of them. */
export interface Measured {
  readonly leases: number;
  /** By their holder, before it was killed. */
  readonly lost: number;
  readonly intervals: number;
  readonly holder: Usage;
  /** The mean of those that wait. */
  readonly waiting: Usage;
  readonly idleMB: number;
  readonly holderMB: number;
  /** The first terms ever. */
  readonly found: Burst;
  readonly giveBack: Burst;
  readonly acquire: Burst;
  readonly takeOver: Burst;
  /** From the crash to the survivor's first write. */
  readonly noticedLeases: number;
}
