import type { EventOf } from "./history.js";

/** What a worker is started with, as its one argument. */
export interface WorkerConfig {
  readonly label: string;
  readonly endpoint: string;
  readonly leaseTable: string;
  readonly logTable: string;
  readonly election: string;
  readonly leaseMs: number;
  readonly maxServiceClockErrorMs: number;
  /** Decides how its work behaves. */
  readonly seed: number;
}

type Told<E> = E extends unknown ? Omit<E, "at" | "candidate"> : never;

/** A worker's standard output, one JSON object a line. */
export type FromWorker =
  | { readonly type: "hello"; readonly candidate: string }
  | { readonly type: "ask"; readonly question: number }
  | { readonly type: "left" }
  | Told<EventOf<"elected"> | EventOf<"view"> | EventOf<"ended"> | EventOf<"workDone"> | EventOf<"resigned">>
  | Told<EventOf<"write"> | EventOf<"outcome">>;

/** A worker's standard input: what the harness's clock showed when it heard the question. */
export interface ToWorker {
  readonly question: number;
  readonly now: number;
}
