import { givenSenderOf, type StandInSender } from "../heartbeat-thread/sender.js";
import { heartbeatThread } from "../heartbeat-thread/thread.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { LeaseSigner, LeaseStore } from "../store/lease-store.js";
import { needsClient } from "../store/needs-client.js";

/** What signs stand-ins, and what sends them (rule 12). */
export interface HeartbeatAids {
  readonly signer: LeaseSigner;
  readonly sender: StandInSender;
  readonly maxStallMs: number;
}

/** Undefined: only the event loop renews. */
export function heartbeatAids(store: LeaseStore, { maxStallMs }: ResolvedOptions): HeartbeatAids | undefined {
  if (maxStallMs === undefined) return undefined;
  const { signer, answers } = store;
  const thread: StandInSender | undefined = answers && {
    open: (tenure) => heartbeatThread.open(tenure, answers),
  };
  const sender = givenSenderOf(store) ?? thread;
  if (signer === undefined || sender === undefined) {
    throw needsClient("heartbeat", "thread", "a thread cannot send to a table in memory");
  }
  return { signer, sender, maxStallMs };
}
