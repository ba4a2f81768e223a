import type { EndReason } from "../errors.js";
import type { Order } from "../protocol/line.js";
import type { Payment } from "./payments.js";

/** What coordinator and workers tell each other over IPC. The coordinator also plays the payment provider. */

export interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

export type OrderName = Extract<Order, string>;

export interface WorkerConfig {
  readonly clientConfig: ClientConfig;
  readonly label: string;
  readonly order: OrderName;
  readonly rank: number;
  readonly leaseTable: string;
  readonly ledgerTable: string;
  readonly leaseMs: number;
  readonly fencing: boolean;
}

export type ToWorker =
  | { readonly type: "start"; readonly config: WorkerConfig }
  /** The provider's answer. With `breakMs` the worker's connection breaks for that long just after. */
  | { readonly type: "cleared"; readonly breakMs?: number | undefined }
  | { readonly type: "resign" };

export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "elected"; readonly term: number; readonly open: number }
  /** Asks the provider: a payment is begun. */
  | { readonly type: "clearing"; readonly term: number; readonly payment: Payment }
  /** The write is under way, its connection broke, and it is about to leave once more. */
  | { readonly type: "leaving"; readonly term: number; readonly payment: Payment }
  | { readonly type: "paid"; readonly term: number; readonly payment: Payment }
  /** The table refused the write: a later term exists. */
  | {
      readonly type: "refused";
      readonly term: number;
      readonly payment: Payment;
      readonly currentTerm: number | undefined;
    }
  /** No answer told whether the write landed. */
  | { readonly type: "unknown"; readonly term: number; readonly payment: Payment; readonly why: string }
  | { readonly type: "trust"; readonly term: number; readonly remainingMs: number }
  | { readonly type: "ended"; readonly term: number; readonly reason: EndReason; readonly lateByMs: number }
  /** Nothing is open any more. */
  | { readonly type: "finished"; readonly term: number }
  | { readonly type: "failed"; readonly message: string };
