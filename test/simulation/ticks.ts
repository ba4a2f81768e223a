import type { Tick } from "../../src/index.js";
import type { Vacant } from "../../src/protocol/lease.js";
import type { TermRecord } from "../../src/protocol/verbs.js";
import type { Random } from "./random.js";

/** Ticks as users write them. The simulator counts them, and knows which of them are the same. */

export const TICK_FORMS = ["text", "number", "instant"] as const;
export type TickForm = (typeof TICK_FORMS)[number];

/** The number of the first tick: all numbers have as many digits. */
const FIRST = 500_000;
const TICK_MS = 30_000;

/** One of the ways to write tick number `n`. */
export function tickOf(n: number, form: TickForm, random: Random): Tick {
  const number = FIRST + n;
  if (form === "text") return `tick-${number}`;
  if (form === "number") return random.pick([number, String(number), `00${number}`]);
  const date = new Date(number * TICK_MS);
  const iso = date.toISOString();
  const inSeconds = iso.replace(".000Z", "Z");
  return random.pick([date, iso, inSeconds, inSeconds.replace("Z", "+00:00"), inParis(date)]);
}

function inParis(date: Date): string {
  return new Date(date.getTime() + 3_600_000).toISOString().replace("Z", "+01:00");
}

/** The number of a tick as the table has it. */
export function numberOf(tick: string): number {
  if (tick.startsWith("tick-")) return Number(tick.slice("tick-".length)) - FIRST;
  return (/^\d+$/.test(tick) ? Number(tick) : Date.parse(tick) / TICK_MS) - FIRST;
}

/** The same tick as the table has it. */
function normal(n: number, form: TickForm): string {
  const number = FIRST + n;
  if (form === "text") return `tick-${number}`;
  return form === "number" ? String(number) : new Date(number * TICK_MS).toISOString();
}

/** An election that has completed every second tick of `count` before 0. */
export function earlierTicks(count: number, form: TickForm, leaseDurationMs: number): [Vacant, TermRecord] {
  const ticks = Array.from({ length: count }, (_, i) => normal(-2 * (count - i), form));
  const [floor, ...completed] = ticks;
  const lease: Vacant = {
    kind: "vacant",
    term: 1,
    revision: 9,
    leaseDurationMs,
    renewIntervalMs: leaseDurationMs / 3,
    ticks: { floor, completed },
    tickTerm: 1,
    endReason: "resigned",
  };
  return [lease, { term: 1, holder: "earlier", leaseDurationMs, lastTick: ticks.at(-1) }];
}
