import type { LeaseSigner } from "../lease-store.js";
import { lastWill, release, renewal } from "./lease-updates.js";
import { leaseCommand } from "./lease-write.js";
import type { DynamoDBTable } from "./table.js";
import type { Update } from "./update-expression.js";

/** Signs verbs on the lease row with the user's own client: its signer, Region, endpoint and credentials. */
export function leaseSigner(table: DynamoDBTable): LeaseSigner {
  const sign = (doing: string, election: string, update: Update, signal: AbortSignal) =>
    table.sign(doing, signal, leaseCommand(table, election, update));
  return {
    crash: (request, signal) => sign("execute the last will", request.election, lastWill(request), signal),
    resign: (request, signal) => sign("resign", request.election, release(request), signal),
    renew: (request, signal) => sign("renew the lease", request.election, renewal(request), signal),
  };
}
