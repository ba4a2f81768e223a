import { setTimeout as delay } from "node:timers/promises";
import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { createItemsTable } from "../src/demo/items-table.js";
import { Election, type ElectionOptions } from "../src/index.js";
import { createLeaseTable, startDynamoDBLocal } from "../src/testing/index.js";
import { type Count, CountingClient, difference, mean } from "./counted.js";

/**
 * `npm run costs`: what an election sends, and what DynamoDB charges for it, by ReturnConsumedCapacity of DynamoDB Local. It
 * counts by renewals of the leader, not by seconds, so a busy machine does not change the figures; only the looks of
 * `standbyPollMs` become fewer. A minute.
 */

/** On-demand tables of the class Standard in us-east-1, in US dollars per million request units, since 1 November 2024. */
export const PRICE = { since: "1 November 2024", region: "us-east-1", write: 0.625, read: 0.125 };
/** A month of 30 days, with the default of `renewIntervalMs`. */
export const RENEWALS_A_MONTH = (30 * 86_400) / 5;
export const RUNS_A_MONTH = (30 * 86_400) / 300;

const ORDERS = ["random", "arrival", "rank", "ring"] as const;
/** A leader, the first three in line, and two behind them. */
const CANDIDATES = 6;
/** Shorter than the default, so that it takes no longer. */
const USUAL = { leaseMs: 3_000, standbyPollMs: undefined, renewalsBefore: 6, renewals: 21 };
/** With the default lease: a read takes as long as any, so the looks of a shorter lease would be fewer. */
const OFTEN = { leaseMs: 15_000, standbyPollMs: 250, renewalsBefore: 3, renewals: 5 };
const KEPT_TICKS = 64;

type Order = (typeof ORDERS)[number];
type Figures = ReadonlyMap<string, Count>;

class Member {
  readonly counting: CountingClient;
  readonly election: Election;
  renewals = 0;
  leads = false;
  waits = false;

  constructor(config: DynamoDBClientConfig, options: Omit<ElectionOptions, "client" | "store" | "session">) {
    this.counting = new CountingClient(config);
    this.election = new Election({
      client: this.counting.client,
      ...options,
      onEvent: ({ type }) => {
        if (type === "elected") this.leads = true;
        if (type === "waiting" || type === "standby") this.waits = true;
        if (type === "renewed") this.renewals += 1;
      },
    } as ElectionOptions);
  }
}

/** The requests of a leader and of its followers per renewal, by their places. */
async function steady(
  config: DynamoDBClientConfig,
  order: Order,
  { leaseMs, standbyPollMs, renewalsBefore, renewals: enough }: typeof USUAL | typeof OFTEN,
): Promise<Figures> {
  const stop = new AbortController();
  const name = `costs/${order}/${leaseMs}`;
  const options = { name, leaseDurationMs: leaseMs, tuning: { standbyPollMs } };
  const members: Member[] = [];
  const leading: Promise<unknown>[] = [];
  for (let i = 0; i < CANDIDATES; i++) {
    const succession = order === "rank" ? ({ order, rank: CANDIDATES - i } as const) : order;
    const member = new Member(config, { ...options, label: `candidate-${i}`, succession });
    members.push(member);
    leading.push(
      member.election.lead(
        ({ signal }) => new Promise<void>((end) => signal.addEventListener("abort", () => end())),
        {
          signal: stop.signal,
        },
      ),
    );
    await until(() => member.leads || member.waits);
    // Each has its place in the line before the next one joins.
    if (order !== "random") await until(() => isListed(member));
  }
  const [leader, ...followers] = members as [Member, ...Member[]];
  await until(() => leader.renewals >= renewalsBefore);
  const before = new Map(members.map((member) => [member, member.counting.count]));
  const first = leader.renewals;
  const disturbed = () => followers.some(({ leads }) => leads);
  await until(() => leader.renewals >= first + enough || disturbed());
  if (disturbed()) throw new Error(`${order}: the leader changed; the machine has too much to do`);
  const renewals = leader.renewals - first;
  const sent = new Map(
    members.map((member) => [member, difference(member.counting.count, before.get(member) as Count)]),
  );
  stop.abort();
  await Promise.all(leading);
  const of = (group: readonly Member[]) =>
    mean(
      group.map((member) => sent.get(member) as Count),
      renewals,
    );
  if (order === "random")
    return new Map([
      ["leader", of([leader])],
      ["each follower", of(followers)],
    ]);
  if (standbyPollMs !== undefined) {
    return new Map([["first in line, with standbyPollMs: 250", of(followers.slice(0, 1))]]);
  }
  // They joined in the order of the line.
  return new Map([
    ["leader", of([leader])],
    ["first and second in line, each", of(followers.slice(0, 2))],
    ["third in line", of(followers.slice(2, 3))],
    ["each other follower", of(followers.slice(3))],
  ]);
}

const tickOf = (run: number) => new Date(run * 300_000);

/** What happens now and then. */
async function single(config: DynamoDBClientConfig): Promise<Figures> {
  const figures = new Map<string, Count>();
  const of = (name: string) => new Member(config, { name, leaseDurationMs: 60_000 });
  const measured = async (what: string, { counting }: Member, call: () => Promise<unknown>) => {
    const before = counting.count;
    await call();
    figures.set(what, difference(counting.count, before));
  };
  const job = of("costs/job");
  await measured("the first run of a job", job, () => job.election.runOnce(tickOf(1), () => {}));
  await measured("its next run", job, () => job.election.runOnce(tickOf(2), () => {}));
  for (let tick = 3; tick <= KEPT_TICKS; tick++) await job.election.runOnce(tickOf(tick), () => {});
  await measured(`a run when ${KEPT_TICKS} ticks are kept`, job, () =>
    job.election.runOnce(tickOf(KEPT_TICKS + 1), () => {}),
  );
  const other = of("costs/job");
  await measured("a tick that is done", other, () =>
    other.election.runOnce(tickOf(KEPT_TICKS + 1), () => {}),
  );

  const worker = of("costs/worker");
  const rival = of("costs/worker");
  const leadership = await worker.election.campaign();
  const put = (id: number) => ({ Put: { TableName: "ledger", Item: { id: `item-${id}` } } });
  await leadership.transact([put(0)], { keys: { ledger: ["id"] } });
  await measured("`transact` with 1 action", worker, () => leadership.transact([put(1)]));
  await measured("`transact` with 10 actions", worker, () =>
    leadership.transact(Array.from({ length: 10 }, (_, i) => put(10 + i))),
  );
  await measured("`leader()`", rival, () => rival.election.leader());
  await measured("`tryCampaign()` while another one leads", rival, () => rival.election.tryCampaign());
  await measured("`resign()`", worker, () => leadership.resign());
  await measured("`campaign()` for a lease that was given back", worker, async () => {
    const next = await worker.election.campaign();
    await delay(500); // the term is recorded while the work begins
    await next.resign();
  });
  const locked = (what: string, name: string, deleteIdleAfterMs: number | undefined) => {
    const lock = new Member(config, { name, leaseDurationMs: 60_000, tuning: { deleteIdleAfterMs } });
    return measured(what, lock, () => lock.election.tryLead(async () => {}));
  };
  await locked("the first use of a lock", "costs/lock", undefined);
  await locked("a lock: `tryLead()` by a new `Election`", "costs/lock", undefined);
  await locked("the first use of a lock with `deleteIdleAfterMs`", "costs/idle", 86_400_000);
  await locked("a lock with `deleteIdleAfterMs`", "costs/idle", 86_400_000);
  return figures;
}

async function isListed({ election }: Member): Promise<boolean> {
  // A busy machine may not answer in time: then it is asked once more.
  const listed = await election.candidates().catch(() => []);
  return listed.some(({ candidateId }) => candidateId === election.candidateId);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}

export const dollars = ({ writeUnits, readUnits }: Pick<Count, "writeUnits" | "readUnits">, times: number) =>
  `$${((times * (writeUnits * PRICE.write + readUnits * PRICE.read)) / 1e6).toFixed(2)}`;
const figure = (value: number) => value.toFixed(2).padStart(8);

function print(title: string, month: string, rows: readonly (readonly [string, Count, string])[]): void {
  console.log(`\n${title}\n${"".padEnd(52)} requests   writes    reads   ${month}`);
  for (const [what, { requests, writeUnits, readUnits }, price] of rows) {
    console.log(
      `${what.padEnd(52)} ${figure(requests)} ${figure(writeUnits)} ${figure(readUnits)}   ${price}`,
    );
  }
}

async function main(): Promise<void> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  await using local = await startDynamoDBLocal();
  const { client } = new CountingClient(local.clientConfig);
  await createLeaseTable(client);
  await createItemsTable(client, "ledger");
  const [rare, ...orders] = await Promise.all([
    single(local.clientConfig),
    ...ORDERS.map(async (order) => [order, await steady(local.clientConfig, order, USUAL)] as const),
    (async () => ["arrival", await steady(local.clientConfig, "arrival", OFTEN)] as const)(),
  ]);
  print(
    `Request units per renewal of the leader, in ${USUAL.renewals} renewals; with standbyPollMs in ${OFTEN.renewals}`,
    "a month",
    orders.flatMap(([order, figures]) =>
      [...figures].map(
        ([who, count]) => [`${order}: ${who}`, count, dollars(count, RENEWALS_A_MONTH)] as const,
      ),
    ),
  );
  print(
    "Request units of one call",
    "every 5 minutes, a month",
    [...rare].map(([what, count]) => [what, count, dollars(count, RUNS_A_MONTH)] as const),
  );
  console.log(
    `\nA month: 30 days, ${RENEWALS_A_MONTH} renewals (one every 5 s). Prices: $${PRICE.write} per million write request units, ` +
      `$${PRICE.read} per million read request units, on demand, ${PRICE.region}, since ${PRICE.since}.`,
  );
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main();
