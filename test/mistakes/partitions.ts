import { Partitions } from "../../src/index.js";
import { MemoryTable } from "../../src/testing/index.js";
import type { Section } from "./section.js";

const store = new MemoryTable();
const right = { store, name: "orders/shards", count: 8, onEvent: () => {} };
/** A member with these options beside a table, a name and a count. */
const given = (options: object) => () => new Partitions({ ...right, ...options } as never);
// biome-ignore lint/suspicious/noExplicitAny: the mistakes are of types.
const calling = (call: (partitions: Partitions, any: (value: unknown) => any) => unknown) => () =>
  call(new Partitions(right), (value) => value);
const work = () => {};
const controller = new AbortController();

export const partitions: Section = {
  title: "Partitions",
  mistakes: {
    "no options at all: `new Partitions()`": () => new Partitions(...([] as unknown as [never])),
    "a count in place of the options: `new Partitions(64)`": () => new Partitions(64 as never),
    "no `client`": given({ store: undefined }),
    "no `name`": given({ name: undefined }),
    "a `name` of 200 characters, which leaves no room for the partition's number": given({
      name: "a".repeat(200),
    }),
    "a `name` with a `#`": given({ name: "orders#shards" }),
    "no `count`": given({ count: undefined }),
    "`partitions` in place of `count`": given({ count: undefined, partitions: 8 }),
    'a string: `count: process.env.SHARDS`, which is `"8"`': given({ count: "8" }),
    "`count: Number(process.env.SHARDS)`, which is not set": given({ count: Number(undefined) }),
    "`count: 0`": given({ count: 0 }),
    "`count: 10_000`": given({ count: 10_000 }),
    "the partitions in place of their count: `count: [0, 1, 2]`": given({ count: [0, 1, 2] }),
    "`maxPerMember: 0`, to hold nothing": given({ maxPerMember: 0 }),
    "`maxPerMember: Infinity`": given({ maxPerMember: Number.POSITIVE_INFINITY }),
    "a share: `maxMovesAtOnce: 0.5`": given({ maxMovesAtOnce: 0.5 }),
    "`maxMoves` in place of `maxMovesAtOnce`": given({ maxMoves: 2 }),
    '`settleMs: "30s"`': given({ settleMs: "30s" }),
    "`settleMs: -1`, to switch it off": given({ settleMs: -1 }),
    "`settle` in place of `settleMs`": given({ settle: 30_000 }),
    "an order of succession: partitions keep no line": given({ succession: { order: "rank", rank: 1 } }),
    "`eligible: false`, to only observe": given({ eligible: false }),
    "`group` in place of `name`": given({ name: undefined, group: "orders/shards" }),
    "`tuning: { standbyPollMs: 250 }`": given({ tuning: { standbyPollMs: 250 } }),
    "a lease in seconds: `leaseDurationMs: 30`": given({ leaseDurationMs: 30 }),
    "an option of `run()`: `onWorkError`": given({ onWorkError: "retry" }),
    'a string: `setCount("96")`': calling((members, any) => members.setCount(any("96"))),
    "`setCount(0)`, to pause": calling((members) => members.setCount(0)),
    "no work: `partitions.run()`": calling((members, any) => members.run(any(undefined))),
    "a work for each partition: `run([work, work])`": calling((members, any) =>
      members.run(any([work, work])),
    ),
    "the signal in place of the options: `run(work, controller.signal)`": calling((members, any) =>
      members.run(work, any(controller.signal)),
    ),
    "the controller in place of its signal: `{ signal: controller }`": calling((members, any) =>
      members.run(work, { signal: any(controller) }),
    ),
    "`onWorkError: true`": calling((members, any) => members.run(work, { onWorkError: any(true) })),
    "an option of `lead()`: `run(work, { announce: false })`": calling((members, any) =>
      members.run(work, any({ announce: false })),
    ),
    "two `run()` of one object at once": calling(async (members) => {
      const stop = new AbortController();
      const first = members.run(work, { signal: stop.signal });
      try {
        await members.run(work);
      } finally {
        stop.abort();
        await first;
      }
    }),
    "a partition in place of the options: `owners(7)`": calling((members, any) => members.owners(any(7))),
    "a signal in place of the options, in `for await (… of partitions.observe(signal))`": calling(
      async (members, any) => {
        for await (const _ of members.observe(any(controller.signal)));
      },
    ),
  },
};
