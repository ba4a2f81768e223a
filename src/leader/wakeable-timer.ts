import type { Clock } from "../clock.js";

/** A wait that can be ended early. One wait at a time. */
export class WakeableTimer {
  #wake: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  /** Resolves when the time is up, or when `wake` is called. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#wake = undefined;
        resolve();
      };
      const cancel = this.clock.setTimer(ms, end);
      this.#wake = () => {
        cancel();
        end();
      };
    });
  }

  wake(): void {
    this.#wake?.();
  }
}
