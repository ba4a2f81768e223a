import { expect, test } from "vitest";
import { Election, Session } from "../../src/index.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { MemoryTable } from "../../src/testing/index.js";

/** As many as the gate of a session lets through. */
const AT_A_TIME = 16;
/** The session's own row waits for nobody, and looks at what is held have a gate of their own. */
const OWN = 1 + 4;

/** Each request takes a moment. Counts those that are under way. */
function countingStore() {
  const counts = { running: 0, most: 0 };
  const store = new Proxy(new MemoryTable() as LeaseStore, {
    get(target, verb) {
      const method = Reflect.get(target, verb);
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        counts.most = Math.max(counts.most, ++counts.running);
        try {
          await new Promise((resolve) => setImmediate(resolve));
          return await method.apply(target, args);
        } finally {
          counts.running -= 1;
        }
      };
    },
  });
  return { store, counts };
}

test.each(["the first terms ever", "rows that are there"])(
  "300 claims at once, and 300 ends, %s: requests wait for their turn",
  async (what) => {
    const { store, counts } = countingStore();
    const round = async () => {
      const session = new Session({ store, onEvent: () => {} });
      let held = 0;
      let all = () => {};
      const holdsAll = new Promise<void>((resolve) => {
        all = resolve;
      });
      const lives = Array.from({ length: 300 }, (_, i) =>
        new Election({ session, name: `many/${i}` }).lead(async ({ signal }) => {
          held += 1;
          if (held === 300) all();
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        }),
      );
      await holdsAll;
      expect(await session.close()).toBe("released");
      await Promise.allSettled(lives);
      return counts.most;
    };
    if (what === "rows that are there") await round();
    counts.most = 0;
    expect(await round()).toBeLessThanOrEqual(AT_A_TIME + OWN);
  },
);
