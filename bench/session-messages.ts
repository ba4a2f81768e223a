import type { Connection } from "./messages.js";

/** The messages between the bench and a process that holds, or waits for, many leases. Only the bench reads a clock. */

export interface HolderConfig {
  readonly connection: Connection;
  readonly tableName: string;
  readonly itemsTable: string;
  readonly label: string;
  /** The names of its elections begin with it. */
  readonly prefix: string;
  /** How many there are. */
  readonly leases: number;
  readonly leaseMs: number;
  readonly renewMs: number;
  /** Under one session, or each renewed by itself. */
  readonly form: "session" | "plain";
  readonly isPid1?: never;
}

/** What a process has used since it was started. */
export interface Usage {
  /** Of all its threads. */
  readonly cpuMs: number;
  readonly residentMB: number;
  /** Each try of the SDK is one request. A read of many rows is one, too. */
  readonly writes: number;
  readonly reads: number;
  /** Rows of its own leases that it has read with consistency, one by one and in batches. */
  readonly ownRowsRead: number;
  /** By ReturnConsumedCapacity. */
  readonly writeUnits: number;
  readonly readUnits: number;
}

export type FromHolder =
  | { readonly type: "hello" }
  /** The first write leaves that does not only say that it waits: it begins to take over. */
  | { readonly type: "claims" }
  /** All its elections have found that somebody else leads. */
  | { readonly type: "waits" }
  /** It works for so many leases: all of them, or fewer than before. */
  | { readonly type: "holds"; readonly leases: number }
  | { readonly type: "used"; readonly usage: Usage }
  /** As it was told. */
  | { readonly type: "wrote" }
  | { readonly type: "closed" }
  | { readonly type: "failed"; readonly message: string };

export type ToHolder =
  /** Campaign for all leases. */
  | { readonly type: "compete" }
  | { readonly type: "tell usage" }
  /** End all work and give all leases back. */
  | { readonly type: "close" }
  /** Conditional writes without this library, with the same client and as many at a time. */
  | { readonly type: "write"; readonly count: number }
  /** Fenced writes, one after another, each under the next of so many of its leases. */
  | { readonly type: "write fenced"; readonly count: number; readonly leases: number };
