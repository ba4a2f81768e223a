import type { Lambda } from "./function.js";
import { isLeader, tickAt } from "./scenario.js";

/** A Region dies between two ticks. */
export interface Death {
  readonly died: string;
  readonly heir: string;
  readonly tick: string;
  /** Whether the heir completed the next tick in the first invocation that was told of it. */
  readonly tookOver: boolean;
  /** For so long the dead Region's last run kept the lease for it. */
  readonly heldForMs: number;
  /** From the moment before that run was called to the moment after the heir had begun: not less than `heldForMs`. */
  readonly gapMs: number;
}

/** The tick before it is the dying Region's; the tick after it reaches the heir alone. */
export async function die(dying: Lambda, heir: Lambda, index: number, heldForMs: number): Promise<Death> {
  const calledMs = performance.now();
  const last = await dying.deliver(tickAt(index));
  if (!isLeader(last))
    throw new Error(`${dying.name} did not complete ${last.tick}: ${JSON.stringify(last)}`);
  await dying.kill();
  const tick = tickAt(index + 1);
  const next = await heir.deliver(tick);
  const tookOver = isLeader(next) && next.outcomes.length === 1;
  const begunMs = heir.begunAtMs(tick) ?? Number.NaN;
  return { died: dying.name, heir: heir.name, tick, tookOver, heldForMs, gapMs: begunMs - calledMs };
}
