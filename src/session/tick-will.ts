import type { Emit } from "../events.js";
import { type LastWill, lastWillOf } from "../last-will/last-will.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { LeaseStore } from "../store/lease-store.js";

/** The part of a last will that an election under a session has itself. */
export type TickWill = Pick<LastWill, "during" | "beforeResignation" | "observed">;

/**
 * Rule 11d under a session. The session's will frees all its leases, but knows nothing of a tick that is just being completed. So
 * the resignation that completes it is a will of its own while it is under way.
 */
export function tickWillOf(store: LeaseStore, options: ResolvedOptions, emit: Emit): TickWill | undefined {
  const will = lastWillOf(store, { ...options, lastWill: true }, emit);
  return (
    will && {
      // The session tells of the exit of this process.
      during: () => () => {},
      beforeResignation: (request, timeoutMs) => will.beforeResignation(request, timeoutMs),
      observed: (lease) => will.observed(lease),
    }
  );
}
