import type { Clock } from "../clock.js";

/** A wait that can be ended early. One wait at a time. */
export class WakeableTimer {
  #wake: () => void = () => {};

  constructor(private readonly clock: Clock) {}

  /** Resolves when the time is up, or when `wake` is called. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.setTimer(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  wake(): void {
    this.#wake();
  }
}
