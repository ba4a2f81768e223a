import type { ActionRefusal } from "../errors.js";
import type { Call } from "./transaction-queue.js";

/** Codes that say nothing about an action itself: the same action may pass when it is sent again. */
const TRANSIENT = new Set([
  "TransactionConflict",
  "ThrottlingError",
  "ProvisionedThroughputExceeded",
  "RequestLimitExceeded",
]);

/** A call, and DynamoDB's answer for each of its actions. */
export interface RefusedCall {
  readonly call: Call;
  readonly own: readonly ActionRefusal[];
}

/** The calls of a transaction that DynamoDB refused as a whole (rule 9g). */
export interface Refused {
  /** None of their actions was refused. */
  readonly innocent: readonly Call[];
  /** Their actions met other writes, or temporary limits. */
  readonly delayed: readonly RefusedCall[];
  /** Their actions themselves were refused. */
  readonly toBlame: readonly RefusedCall[];
}

/** `refusals` has one entry per action, in the order of the calls and their actions. */
export function sortRefused(calls: readonly Call[], refusals: readonly ActionRefusal[]): Refused {
  const innocent: Call[] = [];
  const delayed: RefusedCall[] = [];
  const toBlame: RefusedCall[] = [];
  let offset = 0;
  for (const call of calls) {
    const own = refusals.slice(offset, offset + call.actions.length);
    offset += call.actions.length;
    const codes = own.map(({ code }) => code).filter((code) => code !== "None");
    if (codes.length === 0) innocent.push(call);
    else (codes.every((code) => TRANSIENT.has(code)) ? delayed : toBlame).push({ call, own });
  }
  return { innocent, delayed, toBlame };
}
