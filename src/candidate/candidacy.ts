import type { Emit } from "../events.js";
import type { LastWill } from "../last-will/last-will.js";
import type { LeaseClient } from "../lease-client.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { Under } from "./under.js";

/** What one candidate works with. Its parts share this object, for a process may have thousands of candidates. */
export interface Candidacy {
  readonly client: LeaseClient;
  readonly options: ResolvedOptions;
  readonly emit: Emit;
  readonly lastWill?: LastWill | undefined;
  /** The session under which it takes the lease. Undefined: the lease has a heartbeat of its own. */
  readonly under?: Under | undefined;
}
