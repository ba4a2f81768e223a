import type { LastWill } from "../last-will/last-will.js";
import type { HeartbeatAids } from "./heartbeat-aids.js";
import type { IdleDeletion } from "./idle-deletion.js";
import type { Succession } from "./succession.js";
import type { TermHistory } from "./term-history.js";

/** What runs beside a tenure, as long as it lasts. */
export interface SideTasks {
  readonly succession: Succession;
  readonly history: TermHistory;
  readonly idleDeletion: IdleDeletion;
  readonly lastWill: LastWill | undefined;
  /** Undefined: only the event loop renews. */
  readonly heartbeat: HeartbeatAids | undefined;
  /** Called when the tenure is over, for whatever reason. A release waits for it. */
  readonly onOver: () => Promise<unknown>;
}
