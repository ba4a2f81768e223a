import type { Connection } from "./messages.js";

/** The messages between the bench and a process that is a member of a group of partitions. */

export interface GroupConfig {
  readonly connection: Connection;
  readonly tableName: string;
  readonly group: string;
  readonly label: string;
  readonly count: number;
  readonly leaseMs: number;
  readonly renewMs: number;
  readonly isPid1?: never;
}

export type FromGroupMember =
  /** It is about to take part. */
  | { readonly type: "hello" }
  /** The work for a partition begins, with its first line of code. */
  | { readonly type: "took"; readonly partition: number; readonly term: number }
  /** Its last line. */
  | { readonly type: "gave"; readonly partition: number; readonly term: number }
  | { readonly type: "left" }
  | { readonly type: "failed"; readonly message: string };

export interface ToGroupMember {
  readonly type: "leave";
}
