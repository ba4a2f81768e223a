/**
 * A real AbortController is a whole event target, and making one per request took a third of a simulation's
 * time. This one does what the code under test asks of it, and nothing else: it throws if asked for more.
 */
type Listener = (() => void) | { handleEvent(): void };

export class LightAbortSignal {
  aborted = false;
  reason: unknown = undefined;
  #listeners: Listener[] = [];

  addEventListener(_type: "abort", listener: Listener, _once: { once: true }): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    const index = this.#listeners.indexOf(listener);
    if (index >= 0) this.#listeners.splice(index, 1);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  /** As the controller does. */
  fire(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.#listeners.splice(0)) {
      if (typeof listener === "function") listener();
      else listener.handleEvent();
    }
  }
}

export class LightAbortController {
  readonly signal = new LightAbortSignal();

  abort(reason: unknown): void {
    this.signal.fire(reason);
  }
}

export function useLightAbort(): void {
  globalThis.AbortController = LightAbortController as unknown as typeof AbortController;
}
