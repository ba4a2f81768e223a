import { randomUUID } from "node:crypto";
import { type DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { beforeAll, inject, test as plain } from "vitest";
import { Election, type LeaderChange, Operator, TableUnavailableError } from "../../src/index.js";
import { executeWillsOf } from "../../src/last-will/executor.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { newClient, newLeaseTable } from "../support/fixture.js";
import { between } from "../support/stage.js";
import { FakeExecutor, send } from "../support/wills.js";
import { WireTime } from "../support/wire-time.js";

/** An observer is told how each term ended. The table is real, and time is staged. */

const direct = newClient();
let tableName: string;
beforeAll(async () => {
  tableName = await newLeaseTable(direct);
});

const test = plain.extend<{ scene: Scene }>({
  scene: async ({ task: _ }, use) => {
    const proxy = await startFaultProxy(inject("dynamodb").endpoint);
    const scene = new Scene(proxy);
    await use(scene);
    await scene.close();
  },
});

/** An election of one's own. */
class Scene {
  readonly name = `e/${randomUUID()}`;
  readonly time: WireTime;
  readonly #clients: DynamoDBClient[] = [];
  readonly #stop = new AbortController();
  readonly #observing: Array<Promise<void>> = [];

  constructor(private readonly proxy: FaultProxy) {
    this.time = new WireTime(proxy);
  }

  #store(): LeaseStore {
    const client = this.time.watch(newClient(this.proxy.endpoint));
    this.#clients.push(client);
    return dynamoDBLeaseStore(client, tableName);
  }

  candidate(label: string): Candidate {
    let isDead = false;
    const time = this.time.clock();
    const clock = {
      ...time,
      setTimer: (ms: number, callback: () => void) => time.setTimer(ms, () => isDead || callback()),
    };
    const executor = new FakeExecutor();
    const store = this.#store();
    executeWillsOf(store, executor);
    const options = { name: this.name, label, leaseDurationMs: 3_000, lastWill: true };
    const election = new Election({ ...options, store, runtime: { clock } });
    const die = () => {
      isDead = true;
    };
    return { election, executor, die };
  }

  observer(): Observing {
    const observing = { told: [] as string[], queries: 0, isCut: false };
    const store = between(this.#store(), (verb, pass) => {
      if (verb === "readTerms") observing.queries += 1;
      return observing.isCut ? Promise.reject(new TableUnavailableError("be reached")) : pass();
    });
    const election = new Election({ name: this.name, store, runtime: { clock: this.time.clock() } });
    const observe = async () => {
      for await (const change of election.observe({ signal: this.#stop.signal })) {
        observing.told.push(inWords(change));
      }
    };
    this.#observing.push(observe());
    return observing;
  }

  get operator(): Operator {
    return new Operator({ store: this.#store(), name: this.name });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#observing);
    await this.time[Symbol.asyncDispose]();
    for (const client of this.#clients) client.destroy();
    await this.proxy.close();
  }
}

interface Candidate {
  readonly election: Election;
  /** Has its last wills. */
  readonly executor: FakeExecutor;
  /** From now on none of its timers fires. */
  die(): void;
}

interface Observing {
  readonly told: readonly string[];
  /** How often it has read the history. */
  readonly queries: number;
  /** As by an outage. */
  isCut: boolean;
}

/** As `2 b, 1 a crashed`: who leads, and how the term before ended. */
function inWords({ leader, ended }: LeaderChange): string {
  const name = ({ term, candidateId }: { term: number; candidateId: string }) =>
    `${term} ${candidateId.split("-")[0]}`;
  const end = ended ? `, ${name(ended)} ${ended.reason}` : "";
  return `${leader ? name(leader) : "nobody"}${end}`;
}

/** Leads until it ends in this way. */
type Ending = (candidate: Candidate, scene: Scene) => Promise<() => Promise<unknown>>;

const leads = ({ election }: Candidate) => election.campaign();

/** The process exits, and its last will is sent by something that outlives it. */
const crashed: Ending = async (candidate) => {
  await leads(candidate);
  const { executor, die } = candidate;
  return async () => {
    executor.exit();
    die();
    for (const { request } of executor.wills.values()) await send(request);
  };
};

const resigned: Ending = async (candidate) => {
  const leadership = await leads(candidate);
  return () => leadership.resign();
};

const evicted: Ending = async (candidate, scene) => {
  await leads(candidate);
  return () => scene.operator.evict();
};

/** It is gone, with all that could give its lease back. */
const expired: Ending = async (candidate) => {
  await leads(candidate);
  return async () => candidate.die();
};

const ENDINGS = { crashed, resigned, evicted, expired };
const each = Object.entries(ENDINGS);

test.for(each)("%s: told when nobody leads", async ([reason, begin], { scene, expect }) => {
  const end = await begin(scene.candidate("a"), scene);
  const observer = scene.observer();
  await scene.time.until(() => observer.told.length === 1);
  await end();
  await scene.time.until(() => observer.told.length === 2);
  expect(observer.told).toEqual(["1 a", `nobody, 1 a ${reason}`]);
  const { term } = await leads(scene.candidate("b"));
  await scene.time.until(() => observer.told.length === 3);
  // Each end is told once.
  expect(observer.told[2]).toBe(`${term} b`);
  expect(observer.queries).toBe(0);
});

test.for(each)(
  "%s: told to an observer that comes when nobody leads",
  async ([reason, begin], { scene, expect }) => {
    await (await begin(scene.candidate("a"), scene))();
    if (reason === "expired") await scene.time.sleep(10_000);
    const observer = scene.observer();
    await scene.time.until(() => observer.told.length === 1);
    expect(observer.told).toEqual([`nobody, 1 a ${reason}`]);
  },
);

test.for(each)(
  "%s: told with the next leader, by its row alone",
  async ([reason, begin], { scene, expect }) => {
    const end = await begin(scene.candidate("a"), scene);
    const observer = scene.observer();
    await scene.time.until(() => observer.told.length === 1);
    observer.isCut = true;
    await end();
    const { term } = await leads(scene.candidate("b"));
    observer.isCut = false;
    await scene.time.until(() => observer.told.length === 2);
    expect(observer.told).toEqual(["1 a", `${term} b, 1 a ${reason}`]);
    expect(observer.queries).toBe(0);
  },
);

test("several terms between two polls: each leader is told with the end of the one before it, by one query", async ({
  scene,
  expect,
}) => {
  const observer = scene.observer();
  await scene.time.until(() => observer.told.length === 1);
  const endFirst = await resigned(scene.candidate("a"), scene);
  await scene.time.until(() => observer.told.length === 2);
  observer.isCut = true;
  await endFirst();
  for (const [label, begin] of Object.entries({ b: crashed, c: expired, d: evicted })) {
    await (await begin(scene.candidate(label), scene))();
  }
  const last = await leads(scene.candidate("e"));
  observer.isCut = false;
  await scene.time.until(() => observer.told.at(-1)?.startsWith(`${last.term} e`) === true);
  observer.isCut = true;
  await last.resign();
  await (await resigned(scene.candidate("f"), scene))();
  observer.isCut = false;
  await scene.time.until(() => observer.told.at(-1)?.startsWith("nobody,") === true);
  expect(observer.told).toEqual([
    "nobody",
    "1 a",
    "2 b, 1 a resigned",
    "3 c, 2 b crashed",
    "4 d, 3 c expired",
    "6 e, 4 d evicted",
    "7 f, 6 e resigned",
    "nobody, 7 f resigned",
  ]);
  expect(observer.queries).toBe(2);
});

test("a reason that a newer version wrote is told as unknown", async ({ scene, expect }) => {
  const end = await resigned(scene.candidate("a"), scene);
  const observer = scene.observer();
  await scene.time.until(() => observer.told.length === 1);
  observer.isCut = true;
  await end();
  await direct.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { pk: { S: scene.name }, sk: { S: "lease" } },
      UpdateExpression: "SET endReason = :reason",
      ExpressionAttributeValues: { ":reason": { S: "promoted" } },
    }),
  );
  observer.isCut = false;
  await scene.time.until(() => observer.told.length === 2);
  expect(observer.told).toEqual(["1 a", "nobody, 1 a unknown"]);
});
