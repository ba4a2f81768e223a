import { PutCommand } from "@aws-sdk/lib-dynamodb";
import {
  Election,
  type Leadership,
  Operator,
  TableUnavailableError,
  type TransactionAction,
} from "../../src/index.js";
import { warnOfSilence } from "../../src/silence.js";
import { createLeaseTable, type ManualClock, MemoryTable } from "../../src/testing/index.js";
import { Stage } from "../support/stage.js";
import type { Section } from "./section.js";

const TICK = "2026-01-31T03:00:00Z";
const work = () => {};
const calling =
  (call: (election: Election, any: typeof anything) => unknown, options: object = {}) =>
  () =>
    call(new Stage().candidate("worker-1", options).election, anything);
const leading = (use: (leadership: Leadership, clock: ManualClock) => unknown) => async () => {
  const { election, clock } = new Stage().candidate("worker-1");
  return use(await election.campaign(), clock);
};
/** What JavaScript lets a user pass and use. */
// biome-ignore lint/suspicious/noExplicitAny: the mistakes are of types.
const anything = (value: unknown): any => value;
const controller = new AbortController();

const inMemory = (action: TransactionAction, keys?: unknown) => async () => {
  const store = new MemoryTable({ keys: keys as never });
  const leadership = await new Election({ store, name: "billing/nightly" }).campaign();
  await leadership.transact([action]);
};
const put = { Put: { TableName: "ledger", Item: { name: "ana" } } };

export const unitTests: Section = {
  title: "Unit tests (`incumbent/testing`)",
  mistakes: {
    "`transact` to a table whose key the `MemoryTable` does not know": inMemory(put),
    '`keys` that are no lists: `new MemoryTable({ keys: { ledger: "id" } })`': inMemory(put, {
      ledger: "id",
    }),
    "an item without its key, in a `MemoryTable`": inMemory(put, { ledger: ["id"] }),
    "`new MemoryTable({ key: … })`": () => new MemoryTable({ key: { ledger: ["id"] } } as never),
    "`createLeaseTable()` without a client": () => createLeaseTable(undefined as never),
  },
};

export const calls: Section = {
  title: "Calls of an election",
  mistakes: {
    "no work: `election.lead()`": calling((election, any) => election.lead(any(undefined))),
    "a promise in place of a function: `election.lead(doWork())`": calling((election, any) =>
      election.lead(any(Promise.resolve())),
    ),
    "work that is not a function, in `tryLead`": calling((election, any) => election.tryLead(any("work"))),
    "the signal in place of the options: `election.lead(work, controller.signal)`": calling((election, any) =>
      election.lead(work, any(controller.signal)),
    ),
    "the controller in place of its signal: `{ signal: controller }`": calling((election, any) =>
      election.campaign({ signal: any(controller) }),
    ),
    "a number of milliseconds as `signal`": calling((election, any) =>
      election.campaign({ signal: any(5_000) }),
    ),
    "a misspelt option: `{ singal }`": calling((election, any) =>
      election.lead(work, any({ singal: controller.signal })),
    ),
    "an option of another call: `campaign({ wait: true })`": calling((election, any) =>
      election.campaign(any({ wait: true })),
    ),
    '`announce: "no"`': calling((election, any) => election.lead(work, { announce: any("no") })),
    '`onWorkError: "ignore"`': calling((election, any) =>
      election.lead(work, { onWorkError: any("ignore") }),
    ),
    "`reserveForMs: 0`": calling((election) => election.tryLead(work, { reserveForMs: 0 })),
    "`history({ limit: 0 })`": calling((election) => election.history({ limit: 0 })),
    "`history(10)`": calling((election, any) => election.history(any(10))),
    "a signal in place of the options, in `for await (… of election.observe(signal))`": calling(
      async (election, any) => {
        for await (const _ of election.observe(any(controller.signal)));
      },
    ),
    "two `lead()` of one object at once": calling((election) => {
      void election.lead(
        ({ signal }) => new Promise<void>((done) => signal.addEventListener("abort", () => done())),
      );
      return election.lead(work);
    }),
    "`campaign()` while its leadership lasts": calling(async (election) => {
      await election.campaign();
      await election.campaign();
    }),
    "no `await` before `campaign()`, then `leadership.guard(…)`": calling((election, any) =>
      any(election.campaign()).guard({ TableName: "ledger", Item: { id: "1" } }),
    ),
    "no `await` before `tryCampaign()`, then `leadership.signal`": calling(
      (election, any) => any(election.tryCampaign()).signal,
    ),
    '`requestStepDown("worker-2")`, without braces': () =>
      new Operator({ store: new MemoryTable(), name: "billing/nightly" }).requestStepDown(
        "worker-2" as never,
      ),
    "`lead()` with an endpoint where nothing listens (a warning, after 10 s)": () =>
      new Promise((said) => {
        process.once("warning", ({ message }) => said(message));
        warnOfSilence()({
          type: "unavailable",
          election: "billing/nightly",
          candidateId: "worker-1",
          failingForMs: 10_000,
          error: new TableUnavailableError("read the lease"),
        });
      }),
  },
};

export const ticks: Section = {
  title: "Ticks",
  mistakes: {
    "no tick: `runOnce(undefined, work)`": calling((election, any) => election.runOnce(any(undefined), work)),
    "an empty tick": calling((election) => election.runOnce("", work)),
    "a tick of 101 characters": calling((election) => election.runOnce("1".repeat(101), work)),
    "a fraction as tick": calling((election) => election.runOnce(1.5, work)),
    "an invalid `Date`": calling((election) => election.runOnce(new Date("nonsense"), work)),
    "the day first: `22/11/2027`": calling((election) => election.runOnce("22/11/2027", work)),
    "a time with its zone in another form: `2026-01-31 03:00:00+0000`": calling((election) =>
      election.runOnce("2026-01-31 03:00:00+0000", work),
    ),
    '`"tick-9"`, then `"tick-10"`': calling(async (election) => {
      await election.runOnce("tick-9", work);
      await election.runOnce("tick-10", work);
    }),
    "the options in place of the work: `runOnce(tick, { wait: true })`": calling((election, any) =>
      election.runOnce(TICK, any({ wait: true })),
    ),
    "`Operator.resetTick()` while somebody leads": async () => {
      const stage = new Stage();
      const runtime = { random: () => 0 };
      await stage.candidate("worker-1", { runtime }).election.campaign();
      await new Operator({ store: stage.table, name: "billing/nightly" }).resetTick({ to: TICK });
    },
    "`Operator.resetTick({ to: undefined })`, from a variable that is not set": () =>
      new Operator({ store: new MemoryTable(), name: "billing/nightly" }).resetTick({
        to: undefined as never,
      }),
    '`ticks: "all"`': calling((election, any) => election.runOnce(TICK, work, { ticks: any("all") })),
    "`wait: 5000`": calling((election, any) => election.runOnce(TICK, work, { wait: any(5_000) })),
  },
};

export const after: Section = {
  title: "A leadership, and after its end",
  mistakes: {
    "`throwIfLost()` after `resign()`": leading(async (leadership) => {
      await leadership.resign();
      leadership.throwIfLost();
    }),
    "`guard()` after `resign()`": leading(async (leadership) => {
      await leadership.resign();
      leadership.guard({ TableName: "ledger", Item: { id: "1" } });
    }),
    "`transact()` after `resign()`": leading(async (leadership) => {
      await leadership.resign();
      await leadership.transact([{ Put: { TableName: "ledger", Item: { id: "1" } } }]);
    }),
    "`proclaim()` after `resign()`": leading(async (leadership) => {
      await leadership.resign();
      await leadership.proclaim("http://10.0.0.7");
    }),
    "work that continues after a pause longer than the lease": leading((leadership, clock) => {
      clock.freeze(20_000);
      leadership.throwIfLost();
    }),
    "work that does not stop when `leadership.signal` aborts": async () => {
      const stage = new Stage();
      const { election } = stage.candidate("worker-1", { stopTimeoutMs: 1_000 });
      const stop = new AbortController();
      const life = election.lead(() => new Promise(() => {}), { signal: stop.signal });
      life.catch(() => {});
      await stage.advance(100);
      stop.abort();
      await stage.advance(10_000);
      await life;
    },
    '`throwIfLost("2s")`': leading((leadership) => leadership.throwIfLost("2s" as never)),
    "`throwIfLost(-1)`": leading((leadership) => leadership.throwIfLost(-1)),
    "`throwIfLost(60_000)` with a lease of 3 s": leading((leadership) => leadership.throwIfLost(60_000)),
    "`proclaim({ url })`, an object": leading((leadership) =>
      leadership.proclaim({ url: "http://10.0.0.7" } as never),
    ),
    '`resign("worker-2")`, without braces': leading((leadership) => leadership.resign("worker-2" as never)),
    "`resign({ to: 2 })`": leading((leadership) => leadership.resign({ to: 2 as never })),
    "`stepDown({ reserveForMs })`": leading((leadership) =>
      leadership.stepDown({ reserveForMs: 1_000 } as never),
    ),
    "`guard()` without an input": leading((leadership) => leadership.guard(undefined as never)),
    "`guard({ Put: … })`, as in `transact`": leading((leadership) =>
      leadership.guard({ Put: { TableName: "ledger", Item: { id: "1" } } } as never),
    ),
    "`guard()` of a command: `guard(new PutCommand(…))`": leading((leadership) =>
      leadership.guard(new PutCommand({ TableName: "ledger", Item: { id: "1" } }) as never),
    ),
    "`guard()` of an input with the SDK's legacy `Expected`": leading((leadership) =>
      leadership.guard({ TableName: "ledger", Item: { id: "1" }, Expected: {} } as never),
    ),
  },
};
