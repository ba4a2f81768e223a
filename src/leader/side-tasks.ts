import type { LastWill } from "../last-will/last-will.js";
import type { HeartbeatAids } from "./heartbeat-aids.js";
import type { HeldUnder } from "./held-under.js";
import type { IdleDeletion } from "./idle-deletion.js";
import type { Succession } from "./succession.js";
import type { TermHistory } from "./term-history.js";

/** What runs beside a tenure, as long as it lasts. */
export interface SideTasks {
  readonly succession: Pick<Succession, "refresh" | "newLine" | "plannedEnd">;
  readonly history: Pick<TermHistory, "refresh" | "insist" | "hurry" | "givenBack" | "isWritten">;
  readonly idleDeletion: Pick<IdleDeletion, "insist" | "allows">;
  readonly lastWill: Pick<LastWill, "during" | "beforeResignation"> | undefined;
  /** Undefined: only the event loop renews. */
  readonly heartbeat: HeartbeatAids | undefined;
  /** Undefined: the lease stands alone. */
  readonly under?: HeldUnder | undefined;
  /** Called when the tenure is over, for whatever reason. A release waits for it. */
  readonly onOver: () => Promise<unknown>;
}
