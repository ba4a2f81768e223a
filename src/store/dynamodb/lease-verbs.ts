import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { checkNextPause, checkNextTerm } from "../../protocol/next-term.js";
import type { Item } from "../attribute.js";
import type { LeaseStore } from "../lease-store.js";
import { LEASE_SORT_KEY } from "../schema.js";
import { found } from "./founding.js";
import { toLease } from "./lease-codec.js";
import {
  acknowledgement,
  acquisition,
  awaiting,
  burial,
  eviction,
  lastWill,
  nudge,
  opening,
  pauseChange,
  placeholder,
  release,
  renewal,
  seal,
  stepDownRequest,
  tickReset,
} from "./lease-updates.js";
import { writeLease } from "./lease-write.js";
import { ReadMany } from "./read-many.js";
import type { DynamoDBTable } from "./table.js";
import type { Update } from "./update-expression.js";

type Verbs =
  | "read"
  | "readMany"
  | "createPlaceholder"
  | "acquire"
  | "renew"
  | "resign"
  | "crash"
  | "markAwaited"
  | "requestStepDown"
  | "pause"
  | "evict"
  | "resetTicks"
  | "openSession"
  | "sealSession"
  | "burySession"
  | "nudgeSession"
  | "acknowledgeEviction";

/** The verbs on the lease row, each of them one conditional write. */
export function leaseVerbs(table: DynamoDBTable): Pick<LeaseStore, Verbs> {
  const many = new ReadMany(table);
  const write = (doing: string, election: string, update: Update, signal: AbortSignal) =>
    table.ask(doing, signal, (send) => writeLease(send, table, election, update));
  return {
    read: (election, { consistent }, signal) =>
      table.ask("read the lease", signal, async (send) => {
        const row = table.rowOf(election, LEASE_SORT_KEY);
        const { Item } = await send(new GetItemCommand({ ...row, ConsistentRead: consistent }));
        return { lease: Item && toLease(election, Item as Item) };
      }),

    readMany: (elections, { consistent }, signal) =>
      table.ask("read the leases of a session", signal, async (send) => ({
        leases: await many.read(send, elections, { consistent, signal }),
      })),

    createPlaceholder: (request, signal) =>
      write("make the lease row", request.election, placeholder(request), signal),

    async acquire(request, signal) {
      const { election, term, basis } = request;
      checkNextTerm(election, term, basis);
      if (basis.founding) return found(table, request, basis.founding, signal);
      return write("acquire the lease", election, acquisition(request), signal);
    },

    renew: (request, signal) => write("renew the lease", request.election, renewal(request), signal),

    resign: (request, signal) => write("resign", request.election, release(request), signal),

    crash: (request, signal) => write("execute the last will", request.election, lastWill(request), signal),

    markAwaited: (request, signal) =>
      write("tell the holder that a candidate waits", request.election, awaiting(request), signal),

    requestStepDown: (request, signal) =>
      write("request a step-down", request.election, stepDownRequest(request), signal),

    async pause(request, signal) {
      const { election, by, seen } = request;
      checkNextPause(election, seen);
      const doing = by === undefined ? "resume the election" : "pause the election";
      return write(doing, election, pauseChange(request), signal);
    },

    async evict(request, signal) {
      const { election, term } = request;
      checkNextTerm(election, term + 1, request);
      return write("evict the holder", election, eviction(request), signal);
    },

    async resetTicks(request, signal) {
      const { election, seen } = request;
      checkNextTerm(election, seen.term + 1, seen);
      return write("reset the ticks", election, tickReset(request), signal);
    },

    openSession: (request, signal) => write("open a session", request.election, opening(request), signal),

    sealSession: (request, signal) => write("seal a session", request.election, seal(request), signal),

    burySession: (request, signal) => write("bury a session", request.election, burial(request), signal),

    nudgeSession: (request, signal) => write("nudge a session", request.election, nudge(request), signal),

    acknowledgeEviction: (request, signal) =>
      write("acknowledge an eviction", request.election, acknowledgement(request), signal),
  };
}
