import { holderOf, isHeldIn, type Lease } from "../../src/protocol/lease.js";
import type { AcquireRequest, CrashRequest, RenewRequest, ResignRequest } from "../../src/protocol/verbs.js";
import type { Broken } from "./promises.js";
import type { Answer, Model, Request, Table } from "./state.js";

/** What a request did at the table, and the promise that it broke, if it broke one. */
export interface Landing {
  readonly table: Table;
  readonly answer: Answer;
  readonly broken?: Broken | undefined;
}

/** The table's part: the real verbs, each followed by what must be true of a write that was accepted. */
export function land({ rules, bounds }: Model, table: Table, request: Request): Landing {
  const { row, lastTerm } = table;
  switch (request.verb) {
    case "read":
      return { table, answer: { done: true, lease: row, history: undefined } };
    case "readHistory": {
      const longestLeaseMs = lastTerm > 0 ? bounds.leaseTicks * 1_000 : 0;
      return {
        table,
        answer: { done: true, lease: undefined, history: { highestTerm: lastTerm, longestLeaseMs } },
      };
    }
    case "createPlaceholder":
      return written(table, rules.placeholderCreated(row, request.body));
    case "acquire": {
      const { founding } = request.body.basis;
      const lease = rules.acquired(row, request.body);
      // The transaction's other half: the history row of a term that was used before is there already.
      if (lease && founding && request.body.term <= lastTerm) {
        return { table, answer: { done: false, lease: undefined, history: undefined } };
      }
      const begun = lease ? { lastTerm: lease.term, tenures: table.tenures + 1 } : {};
      const landing = written({ ...table, ...begun }, lease);
      return { ...landing, broken: lease && wrongAcquire(table, request.body, lease) };
    }
    case "renew": {
      const lease = rules.renewed(row, request.body);
      return { ...written(table, lease), broken: lease && wrongRenewal(row, request.body, lease) };
    }
    case "resign": {
      const lease = rules.resigned(row, request.body);
      return { ...written(table, lease), broken: lease && wrongRelease(row, request.body) };
    }
    case "crash": {
      const lease = rules.crashed(row, request.body);
      return { ...written(table, lease), broken: lease && wrongWill(row, request.body, lease) };
    }
    case "write": {
      const { candidateId, term } = request.body;
      const done = rules.isFencePassed(row, request.body);
      const late = term < lastTerm || !isHeldIn(row, { candidateId, term });
      const broken: Broken | undefined =
        done && late
          ? {
              promise: "fencing",
              message: `a write of term ${term} was accepted after term ${lastTerm} began`,
            }
          : undefined;
      return { table, answer: { done, lease: row, history: undefined }, broken };
    }
  }
}

/**
 * Whether this request does nothing now and, since pairs of a term never repeat, never will. A placeholder that is
 * refused now may still find that the row is gone; and a founding, that its placeholder was made again.
 */
export function isRefused({ rules }: Model, { row, lastTerm }: Table, request: Request): boolean {
  switch (request.verb) {
    case "read":
    case "readHistory":
    case "createPlaceholder":
      return false;
    case "acquire":
      if (request.body.basis.founding) return request.body.term <= lastTerm;
      return rules.acquired(row, request.body) === undefined;
    case "renew":
      return rules.renewed(row, request.body) === undefined;
    case "resign":
      return rules.resigned(row, request.body) === undefined;
    case "crash":
      // Its acquire may come later.
      return rules.crashed(row, request.body) === undefined && (row?.term ?? 0) >= request.body.term;
    case "write":
      return !rules.isFencePassed(row, request.body);
  }
}

function written(table: Table, lease: Lease | undefined): Landing {
  if (lease === undefined) return { table, answer: { done: false, lease: table.row, history: undefined } };
  return { table: { ...table, row: lease }, answer: { done: true, lease, history: undefined } };
}

function wrongAcquire({ row, lastTerm }: Table, { basis }: AcquireRequest, lease: Lease): Broken | undefined {
  if (lease.term <= lastTerm) {
    return { promise: "terms increase", message: `term ${lease.term} was acquired after term ${lastTerm}` };
  }
  if (row?.term === basis.term && row.revision === basis.revision) return undefined;
  return {
    promise: "fresh basis",
    message: `an acquire that saw term ${basis.term}, revision ${basis.revision} was accepted on another row`,
  };
}

function wrongRenewal(row: Lease | undefined, request: RenewRequest, lease: Lease): Broken | undefined {
  if (!isHeldIn(row, request)) {
    return {
      promise: "released stays released",
      message: `a renewal of term ${request.term} was accepted on a row that is not its sender's`,
    };
  }
  return repeatedPair(row, lease);
}

function repeatedPair(row: Lease, lease: Lease): Broken | undefined {
  if (lease.revision > row.revision) return undefined;
  return {
    promise: "pairs never repeat",
    message: `revision ${lease.revision} was written over revision ${row.revision}`,
  };
}

function wrongRelease(row: Lease | undefined, request: ResignRequest): Broken | undefined {
  if (isHeldIn(row, request)) return undefined;
  return {
    promise: "own release",
    message: `a release of term ${request.term} was accepted on a row that is not its sender's`,
  };
}

/** Whether its process is dead, its landing does not show (`brokenByWill`). */
function wrongWill(row: Lease | undefined, { term }: CrashRequest, lease: Lease): Broken | undefined {
  if (row && holderOf(row) !== undefined) return repeatedPair(row, lease);
  return {
    promise: "released stays released",
    message: `a last will of term ${term} was accepted on a free row`,
  };
}
