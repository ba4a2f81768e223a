import { setTimeout as delay } from "node:timers/promises";

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** What is awaited has not come for the longest wait. */
const STUCK_MS = 60_000;
const LOOK_MS = 250;

/** Waits for states that change with messages, and at times without them. A failure ends all waiting. */
export class News {
  #failed: Error | undefined;
  #tell: () => void = () => {};

  constructor(private readonly of: string) {}

  changed(): void {
    this.#tell();
  }

  failed(message: string): void {
    this.#failed ??= new Error(`${this.of}: ${message}`);
    this.#tell();
  }

  /** Checks after each message, and at intervals. Rejects after the longest wait. */
  async until(isSo: () => boolean, stuckMs = STUCK_MS): Promise<void> {
    for (const beganMs = performance.now(); ; ) {
      if (this.#failed) throw this.#failed;
      if (isSo()) return;
      if (performance.now() - beganMs > stuckMs) {
        throw new Error(`${this.of}: nothing came for ${stuckMs / 1_000} s`);
      }
      const news = new Promise<void>((resolve) => {
        this.#tell = resolve;
      });
      await Promise.race([news, delay(LOOK_MS)]);
    }
  }
}
