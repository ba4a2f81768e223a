import { crashed, resigned } from "../../src/protocol/transitions.js";
import type { ResignRequest } from "../../src/protocol/verbs.js";
import type { Call, TickState } from "./tick-state.js";

/** What a call that dies leaves to be sent: the end of its term or, once a resignation has left, that very resignation. */
export function willOf({ resignation }: Call): ResignRequest | "crash" {
  return resignation ?? "crash";
}

/** What it had sent may land, and nobody waits for the answers. */
export function dead(state: TickState, call: Call): TickState {
  return {
    ...state,
    deaths: state.deaths - 1,
    calls: state.calls.map((one) => (one === call ? { ...call, phase: "dead" } : one)),
    inFlight: state.inFlight.map((one) =>
      "call" in one.message && one.message.call === call.id ? { ...one, isCopy: true } : one,
    ),
  };
}

/** The row when a will has landed. Undefined: it is refused now. */
export function executed({ lease }: TickState, { id, term }: Call, will: ResignRequest | "crash") {
  return will === "crash" ? crashed(lease, { election: "e", candidateId: id, term }) : resigned(lease, will);
}
