import type { Emit } from "../events.js";
import type { LeaseClient } from "../lease-client.js";
import type { UnderSessionOptions } from "../options.js";
import { resolveUnder } from "./options.js";
import { Seat } from "./seat.js";
import { insideOf } from "./session.js";
import { tickWillOf } from "./tick-will.js";

/** What an election under a session has of that session. Throws `InvalidOptionError`. */
export function placeUnder(given: UnderSessionOptions) {
  const { core, given: ofSession } = insideOf(given.session);
  const options = resolveUnder(given, ofSession);
  const { store, listener, closed, time } = core;
  const seat = (client: LeaseClient) => new Seat(core, client, options);
  const tickWill = (emit: Emit) => (core.options.lastWill ? tickWillOf(store, options, emit) : undefined);
  return { options, store, listener, closed, time, seat, tickWill };
}
