/** What is called when a signal aborts. Most signals have one. */
class Callbacks {
  #only: (() => void) | undefined;
  #others: Set<() => void> | undefined;

  add(callback: () => void): void {
    if (this.#only === undefined) this.#only = callback;
    else {
      this.#others ??= new Set();
      this.#others.add(callback);
    }
  }

  /** Returns whether none is left. */
  remove(callback: () => void): boolean {
    if (this.#only === callback) this.#only = undefined;
    else this.#others?.delete(callback);
    return this.#only === undefined && !this.#others?.size;
  }

  handleEvent(): void {
    if (this.#only) call(this.#only);
    for (const callback of this.#others ?? []) call(callback);
    // Each is told once, and a signal that has aborted may live on.
    this.#only = undefined;
    this.#others = undefined;
  }
}

/** As a listener: what it throws is an uncaught exception, and the others are called all the same. */
function call(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

const known = new WeakMap<AbortSignal, Callbacks>();

/**
 * Calls `callback` when `signal` aborts, until the returned function is called; at once if it has aborted. A signal has one
 * listener of ours, however many calls share it: Node takes more than ten for a leak, and a thousand elections with one stop signal
 * are none. The user's own listeners count as before.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal?.aborted) callback();
  if (signal === undefined || signal.aborted) return nothing;
  let callbacks = known.get(signal);
  if (callbacks === undefined) {
    callbacks = new Callbacks();
    known.set(signal, callbacks);
    signal.addEventListener("abort", callbacks, { once: true });
  }
  callbacks.add(callback);
  return () => {
    if (known.get(signal)?.remove(callback) !== true) return;
    signal.removeEventListener("abort", known.get(signal) as Callbacks);
    known.delete(signal);
  };
}

function nothing(): void {}
