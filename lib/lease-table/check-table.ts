import type { Construct } from "constructs";
import { refuse } from "../invalid-prop.js";
import type { ILeaseTable } from "./i-lease-table.js";

/** A table that works, for suggestions. */
export const NEW_TABLE = 'new LeaseTable(this, "Leases")';

/** In plain JavaScript it can be a table of CDK, which has no grants for elections. */
export function checkTable(scope: Construct, table: ILeaseTable): void {
  if (typeof (table as Partial<ILeaseTable>).grantCandidate === "function") return;
  const rule =
    "must be a LeaseTable, or what LeaseTable.fromLeaseTableAttributes makes of a table that exists";
  refuse(scope, "table", rule, table, NEW_TABLE);
}
