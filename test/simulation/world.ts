/** True time, and what is going to happen in it. Nothing here knows what a lease is. */
export class World {
  nowMs = 0;
  steps = 0;
  #sequence = 0;
  readonly #heap: Happening[] = [];

  /** Runs `happen` at a true time; happenings of one moment run in the order they were planned. */
  at(ms: number, happen: () => void): void {
    this.#push({ atMs: Math.max(ms, this.nowMs), order: this.#sequence++, happen });
  }

  after(ms: number, happen: () => void): void {
    this.at(this.nowMs + ms, happen);
  }

  /** Lets everything happen up to `untilMs`; `inspect` sees the world after each step. */
  async run(untilMs: number, inspect: () => void): Promise<void> {
    for (;;) {
      const next = this.#heap[0];
      if (!next || next.atMs > untilMs) break;
      this.#pop();
      this.nowMs = next.atMs;
      this.steps += 1;
      next.happen();
      await settled();
      inspect();
    }
    this.nowMs = untilMs;
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
  readonly happen: () => void;
}

function before(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Until every promise callback that can run has run: ticks wait for them all, and need no turn of the loop. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
