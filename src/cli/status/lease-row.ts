import { hasSurelyPassed } from "../../protocol/expiry.js";
import { holderOf, type Lease, sessionOf } from "../../protocol/lease.js";
import { lastTickOf } from "../../protocol/ticks.js";
import type { SessionEnd, Standing } from "../../protocol/under-session.js";
import type { TableTime } from "../../table-time.js";
import { seconds } from "../print.js";

/** One election, as it is shown. */
export interface Row {
  readonly election: string;
  /** Under a session its times are those of the session. */
  readonly lease: Lease;
  readonly over: SessionEnd | undefined;
  readonly state: "held" | "expired" | "vacant";
  /** Until the lease has surely run out, by the table's clock. Negative: it ran out that long ago. */
  readonly leftMs: number | undefined;
}

export function rowOf(election: string, { lease, over }: Standing<Lease>, time: TableTime): Row {
  if (lease.kind !== "held") return { election, lease, over, state: "vacant", leftMs: undefined };
  const { expiresAt } = lease;
  const { headers } = time;
  const now = time.now();
  const hasRunOut = over !== undefined || hasSurelyPassed(expiresAt, now, headers);
  // The earliest time that it can be now. A lease never has more left than its whole length.
  const latestLeftMs = expiresAt && headers && Math.round(expiresAt - headers.earliestMs(now));
  const leftMs = latestLeftMs && Math.min(latestLeftMs, lease.leaseDurationMs);
  return { election, lease, over, state: hasRunOut ? "expired" : "held", leftMs };
}

export function toJson({ election, state, lease, leftMs }: Row) {
  const { term, leaseDurationMs } = lease;
  const tenure = lease.kind === "placeholder" ? undefined : lease;
  const held = lease.kind === "held" ? lease : undefined;
  const { electedAt, renewedAt, ticks } = tenure ?? {};
  return {
    election,
    state,
    holder: holderOf(lease),
    session: sessionOf(lease),
    term,
    value: held?.value,
    electedAt,
    renewedAt,
    expiresAt: held?.expiresAt,
    leftMs,
    leaseDurationMs,
    lastTick: lastTickOf(ticks),
  };
}

export function toCells({ election, state, lease, leftMs }: Row): string[] {
  return [
    election,
    state,
    String(lease.term),
    holderOf(lease) ?? "",
    leftMs === undefined ? "" : seconds(leftMs),
    (lease.kind === "held" ? lease.value : undefined) ?? "",
  ];
}
