import type { Clock } from "../clock.js";

const MAX_FREEZE_MS = 366 * 86_400_000;

/**
 * The clocks of a sandbox. While it is frozen, both may stand still, unlike those of a suspended machine. `thaw()` says that any
 * time may have passed since: what was known of the table's time then bounds nothing from above any more.
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
