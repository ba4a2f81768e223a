import type { OrderName } from "../src/demo/messages.js";

/** The messages between the bench and its worker processes over IPC. Only the bench reads a clock. */

export const LEASE_MS = 3_000;
export const RENEW_MS = 1_000;

export interface Connection {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface WorkerConfig {
  readonly connection: Connection;
  readonly tableName: string;
  readonly election: string;
  readonly label: string;
  readonly leaseMs: number;
  readonly renewMs: number;
  /** For `incumbent` only. */
  readonly order?: OrderName;
  readonly rank?: number;
  readonly maxTenureMs?: number;
  readonly lastWill?: boolean;
  readonly standbyPollMs?: number;
  /** With a heartbeat in a thread. Undefined: without one. */
  readonly maxStallMs?: number | undefined;
  /** The worker is the first process of a PID namespace, as in most containers. */
  readonly isPid1?: boolean;
  /** For the peer only: it then relies on the clocks of all hosts. */
  readonly trustLocalTime?: boolean;
}

/** What a request to the table was for. */
export type RequestKind =
  | "acquire"
  | "renew"
  | "resign"
  | "read the lease"
  | "read the candidates"
  | "refresh the candidate"
  | "other";

export type FromWorker =
  | { readonly type: "hello"; readonly candidateId: string }
  /** The leader's work begins, with its first line of code. */
  | { readonly type: "working"; readonly term: number }
  /** Its last line. */
  | { readonly type: "stopped"; readonly term: number }
  /** A request leaves; each try of the SDK is one. */
  | { readonly type: "request"; readonly kind: RequestKind }
  | { readonly type: "failed"; readonly message: string };

/** How a worker dies. */
export type Death = "SIGKILL" | "process.exit" | "uncaught exception";

export type ToWorker =
  /** Its main thread does nothing for so long. */
  | { readonly type: "block"; readonly ms: number }
  | { readonly type: "die"; readonly how: Exclude<Death, "SIGKILL"> }
  | { readonly type: "stepDown"; readonly to?: string }
  /** The peer competes again only after this message. Otherwise it would take back what it has just released. */
  | { readonly type: "stand" };
