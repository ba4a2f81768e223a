import type { EndReason } from "../errors.js";
import type { Succession } from "../options.js";
import type { Order } from "../protocol/line.js";
import type { Payment } from "./payments.js";

/** The messages between the coordinator and the workers. The coordinator is also the payment provider. */

export interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

export type OrderName = Extract<Order, string>;

export interface WorkerConfig {
  readonly clientConfig: ClientConfig;
  readonly label: string;
  readonly succession: Succession;
  readonly leaseTable: string;
  readonly ledgerTable: string;
  readonly leaseMs: number;
  readonly fencing: boolean;
}

export type ToWorker =
  | { readonly type: "start"; readonly config: WorkerConfig }
  /** The provider's answer. With `breakMs` the worker's connection then breaks for that time, in milliseconds. */
  | { readonly type: "cleared"; readonly breakMs?: number | undefined }
  | { readonly type: "resign" };

export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "elected"; readonly term: number; readonly open: number }
  /** A request to the provider: a payment begins. */
  | { readonly type: "clearing"; readonly term: number; readonly payment: Payment }
  /** The connection of a write broke, and the write will be sent again. */
  | { readonly type: "leaving"; readonly term: number; readonly payment: Payment }
  | { readonly type: "paid"; readonly term: number; readonly payment: Payment }
  /** The table refused the write: a later term exists. */
  | {
      readonly type: "refused";
      readonly term: number;
      readonly payment: Payment;
      readonly currentTerm: number | undefined;
    }
  /** No answer came, so it is not known whether the payment was written. */
  | { readonly type: "unknown"; readonly term: number; readonly payment: Payment; readonly why: string }
  | { readonly type: "trust"; readonly term: number; readonly remainingMs: number }
  | { readonly type: "ended"; readonly term: number; readonly reason: EndReason; readonly lateByMs: number }
  /** All payments are made. */
  | { readonly type: "finished"; readonly term: number }
  | { readonly type: "failed"; readonly message: string };
