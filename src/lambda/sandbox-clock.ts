import type { Clock } from "../clock.js";

const MAX_FREEZE_MS = 366 * 86_400_000;

/**
 * The clocks of a sandbox. Both can stand still while it is frozen, unlike those of a suspended machine. After `thaw()`
 * any time may have passed, so earlier answers no longer limit how late it is by the table's clock.
 */
export class SandboxClock implements Clock {
  #standstillMs = 0;

  constructor(private readonly clock: Clock) {}

  thaw(): void {
    this.#standstillMs += MAX_FREEZE_MS;
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  wallMs(): number {
    return this.clock.wallMs();
  }

  standstillMs(): number {
    return this.#standstillMs;
  }

  setTimer(ms: number, callback: () => void): () => void {
    return this.clock.setTimer(ms, callback);
  }
}
