import type { EventOf } from "./history.js";
import type { RegisterPlace } from "./register.js";

/** Where the table is. What is left out comes from the environment, as for any client of the SDK. */
export interface Connection {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** How a leader works: the time between its writes, and how often it does what. */
export interface WorkStyle {
  readonly pauseMs: readonly [least: number, most: number];
  /** A write of its own accord fails. */
  readonly doomed: number;
  readonly slowToStop: number;
  readonly stopsByItself: number;
  /** How often it tells whether it trusts its lease. @default 20 */
  readonly viewEveryMs?: number;
}

/** What a worker is started with, as its one argument. */
export interface WorkerConfig {
  readonly label: string;
  readonly connection: Connection;
  readonly leaseTable: string;
  readonly register: RegisterPlace;
  readonly style: WorkStyle;
  /** Whether it tells what its requests cost. */
  readonly metered: boolean;
  readonly lastWill: boolean;
  readonly election: string;
  /** It is a member of this group, too. */
  readonly group?: { readonly name: string; readonly count: number };
  /** It stands for these, too, and holds them under one session. */
  readonly underSession?: readonly string[];
  readonly leaseMs: number;
  readonly maxServiceClockErrorMs: number;
  /** Decides how its work behaves. */
  readonly seed: number;
}

type Told<E> = E extends unknown ? Omit<E, "at"> : never;

/** A worker's standard output, one JSON object a line. */
export type FromWorker =
  /** One for each candidate that it is. */
  | { readonly type: "hello"; readonly candidate: string; readonly elections?: readonly string[] }
  | { readonly type: "ask"; readonly question: number }
  | { readonly type: "left" }
  | { readonly type: "used"; readonly reads: number; readonly writes: number }
  | Told<EventOf<"elected"> | EventOf<"view"> | EventOf<"ended"> | EventOf<"workDone"> | EventOf<"resigned">>
  | Told<EventOf<"write"> | EventOf<"outcome">>;

/** A worker's standard input: what the harness's clock showed when it heard the question, or how long to block the loop. */
export type ToWorker = { readonly question: number; readonly now: number } | { readonly blockMs: number };
