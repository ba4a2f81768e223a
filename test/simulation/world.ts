/** True time, and what is going to happen in it. Nothing here knows what a lease is. */
export class World {
  nowMs = 0;
  steps = 0;
  #sequence = 0;
  readonly #heap: Happening[] = [];

  /**
   * Runs `happen` in `ms` of true time; happenings of one moment run in the order they were planned. Returns a
   * function that calls it off.
   */
  after(ms: number, happen: () => void): () => void {
    const happening: Happening = { atMs: this.nowMs + Math.max(0, ms), order: this.#sequence++, happen };
    this.#push(happening);
    return () => {
      happening.happen = undefined;
    };
  }

  /** Lets everything happen up to `untilMs`, or as long as it is `goingOn`; `inspect` sees the world after each step. */
  async run(untilMs: number, inspect: () => void, goingOn: () => boolean): Promise<void> {
    while (goingOn()) {
      const next = this.#heap[0];
      if (!next || next.atMs > untilMs) break;
      this.#pop();
      if (!next.happen) continue;
      this.nowMs = next.atMs;
      this.steps += 1;
      next.happen();
      await settled();
      inspect();
    }
    if (goingOn()) this.nowMs = untilMs;
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(happening);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(happening, heap[parent] as Happening)) break;
      heap[i] = heap[parent] as Happening;
      i = parent;
    }
    heap[i] = happening;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Happening;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Happening, heap[child] as Happening))
        child += 1;
      if (!before(heap[child] as Happening, last)) break;
      heap[i] = heap[child] as Happening;
      i = child;
    }
    heap[i] = last;
  }
}

interface Happening {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was called off. */
  happen: (() => void) | undefined;
}

function before(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/**
 * Until every promise callback that can run has run: ticks wait for them all, and need no turn of the loop. A tick asked
 * for in a callback of the loop itself would not wait, and the first history of a thread begins in one; so a promise
 * callback asks for it.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}
