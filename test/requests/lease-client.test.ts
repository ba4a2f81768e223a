import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { Election } from "../../src/index.js";
import type { CandidateOptions } from "../../src/options.js";
import type { DynamoDBLike } from "../../src/store/dynamodb/table.js";
import type { ClientOptions } from "../../src/store/open-store.js";
import { ManualClock } from "../../src/testing/index.js";
import { type FaultProxy, type SeenRequest, startFaultProxy } from "../support/fault-proxy.js";
import { newClient, newLeaseTable } from "../support/fixture.js";

/**
 * What goes over the wire, counted between client and table. The table is real, candidates' time is staged
 * (and the table's `Date` with it), so that every count is exact.
 */

const LEASE_MS = 3_000;
const RENEW_MS = 1_000;

let proxy: FaultProxy;
let tableName: string;
let clock: ManualClock;
let inFlight: Set<Promise<unknown>>;
const client = newClient();

beforeEach(async () => {
  clock = new ManualClock(Date.now());
  inFlight = new Set();
  proxy = await startFaultProxy(inject("dynamodb").endpoint);
  proxy.rewriteDate = () => new Date(clock.wallMs()).toUTCString();
  tableName = await newLeaseTable(client);
});
afterEach(() => proxy.close());

function candidate(options: Partial<ClientOptions & CandidateOptions> = {}): Election {
  const wire = newClient(proxy.endpoint);
  const counted: DynamoDBLike = {
    send(command, sendOptions) {
      const answer: Promise<unknown> = wire.send(command, sendOptions);
      inFlight.add(answer);
      const done = () => inFlight.delete(answer);
      answer.then(done, done);
      return answer;
    },
  };
  return new Election({
    client: counted,
    tableName,
    name: "billing/nightly",
    leaseDurationMs: LEASE_MS,
    runtime: { clock },
    ...options,
  });
}

/** Until no request is under way and nothing more follows from the answers. */
async function quiet(): Promise<void> {
  for (let idle = 0; idle < 3; idle++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (inFlight.size === 0) continue;
    await Promise.allSettled([...inFlight]);
    idle = -1;
  }
}

async function advance(ms: number): Promise<void> {
  await quiet();
  for (let passed = 0; passed < ms; passed += 10) {
    await clock.advance(10);
    await quiet();
  }
}

/** Only the row of the lease; a term's history is written beside the work, not on its way. */
function isHistory({ body }: SeenRequest): boolean {
  return (body as { Key?: { sk: { S: string } } }).Key?.sk.S.startsWith("term#") === true;
}

/** The requests that `task` makes on its way, and those for history. */
async function counted<T>(task: () => Promise<T>) {
  await quiet();
  const before = proxy.requests.length;
  const value = await task();
  await quiet();
  const made = proxy.requests.slice(before);
  const operations = (requests: SeenRequest[]) => requests.map(({ operation }) => operation);
  return {
    value,
    made: operations(made.filter((request) => !isHistory(request))),
    history: operations(made.filter(isHistory)),
  };
}

async function vacantLease(): Promise<void> {
  await (await candidate().campaign()).resign();
}

test("the first election ever: no row, a placeholder, its history, the floor, and one transaction that founds it", async () => {
  const { made, history } = await counted(() => candidate().campaign());
  expect(made).toEqual(["GetItem", "UpdateItem", "Query", "GetItem", "TransactWriteItems"]);
  expect(history).toEqual(["UpdateItem"]);
});

describe("to acquire a vacant lease", () => {
  test.each(["campaign", "tryCampaign"] as const)("cold takes 2 requests: %s", async (how) => {
    await vacantLease();
    const { made, history, value } = await counted(() => candidate()[how]());
    expect(value?.term).toBe(2);
    expect(made).toEqual(["GetItem", "UpdateItem"]);
    // That this term began, and how the one before ended.
    expect(history).toEqual(["UpdateItem", "UpdateItem"]);
  });

  test.each(["campaign", "tryCampaign"] as const)("warm takes 1 request: %s", async (how) => {
    const election = candidate();
    await (await election.campaign()).resign();
    const { made, value } = await counted(() => election[how]());
    expect(value?.term).toBe(2);
    expect(made).toEqual(["UpdateItem"]);
  });

  test("warm and refused takes 1 request: the refusal brings the rival's row", async () => {
    const election = candidate();
    await (await election.campaign()).resign();
    const rival = await candidate().campaign();
    const { made, history, value } = await counted(() => election.tryCampaign());
    expect(value).toBeUndefined();
    expect(made).toEqual(["UpdateItem"]);
    expect(history).toEqual([]);
    await rival.resign();
  });

  test("a held lease takes 1 read to find out, cold or warm", async () => {
    await candidate().campaign();
    const election = candidate();
    for (let i = 0; i < 2; i++) {
      expect((await counted(() => election.tryCampaign())).made).toEqual(["GetItem"]);
    }
  });
});

test("a leader makes 1 request per renewal and no other, and 1 to resign", async () => {
  const leadership = await candidate().campaign();
  const leading = await counted(() => advance(10 * RENEW_MS + 50));
  expect(leading.made).toEqual(Array(10).fill("UpdateItem"));
  expect(leading.history).toEqual([]);
  const resigning = await counted(() => leadership.resign());
  expect(resigning.made).toEqual(["UpdateItem"]);
  expect(resigning.history).toEqual([]);
});

test("to proclaim a value takes 1 request, and to read the leader 1", async () => {
  const leadership = await candidate().campaign();
  expect((await counted(() => leadership.proclaim("v2"))).made).toEqual(["UpdateItem"]);
  expect((await counted(() => candidate().leader())).made).toEqual(["GetItem"]);
});

describe.each(["campaign", "observe"] as const)("a follower (%s)", (how) => {
  test("reads once per renewal, and but six times more to find the leader's schedule", async () => {
    const leadership = await candidate().campaign();
    await advance(430); // out of step
    const stop = new AbortController();
    const follower = candidate();
    const following =
      how === "campaign"
        ? follower.campaign({ signal: stop.signal }).catch(() => {})
        : (async () => {
            for await (const _ of follower.observe({ signal: stop.signal }));
          })();
    const reads = async (renewals: number) =>
      (await counted(() => advance(renewals * RENEW_MS))).made.filter((operation) => operation === "GetItem")
        .length;
    // A bracket of one interval is halved until it is a fiftieth of it: six halvings, one look each at most.
    expect(await reads(8)).toBeLessThanOrEqual(8 + 6 + 1);
    expect(await reads(10)).toBe(10);
    stop.abort();
    await following;
    leadership.throwIfLost();
    expect((await counted(() => advance(2 * RENEW_MS))).made).toEqual(["UpdateItem", "UpdateItem"]);
    await leadership.resign();
  });
});

test("after the end nothing more is sent, and no timer waits", async () => {
  const leader = candidate();
  const stop = new AbortController();
  const leading = leader.lead(
    ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
    {
      signal: stop.signal,
    },
  );
  await quiet();
  const follower = candidate();
  const waiting = follower.campaign({ signal: stop.signal }).catch(() => {});
  await advance(3 * RENEW_MS);
  stop.abort();
  await advance(2 * RENEW_MS);
  await Promise.all([leading, waiting]);
  expect(clock.pendingTimers).toBe(0);
  const after = await counted(() => advance(5 * LEASE_MS));
  expect([...after.made, ...after.history]).toEqual([]);
});

describe("the user's own client", () => {
  const clients = {
    DynamoDBClient: () => newClient(),
    DynamoDBDocumentClient: () => DynamoDBDocumentClient.from(newClient()),
  };
  test.each(Object.keys(clients) as Array<keyof typeof clients>)(
    "%s works, and its middleware and configuration are left alone",
    async (kind) => {
      const own = clients[kind]();
      const ledger = await newLeaseTable(client);
      // The SDK notes for itself how far the host's clock is off.
      const look = () => {
        const { systemClockOffset: _, ...config } = own.config;
        return { config, middleware: own.middlewareStack.identify(), own: Object.keys(own), send: own.send };
      };
      const election = new Election({
        client: own,
        tableName,
        name: "e",
        leaseDurationMs: LEASE_MS,
        value: "v",
      });
      // Whatever the SDK itself sets up with its first request is there from now on.
      await election.leader();
      const before = look();
      const leadership = await election.campaign();
      await leadership.transact([{ Put: { TableName: ledger, Item: { pk: "1", sk: "2", n: 3 } } }]);
      await leadership.proclaim("w");
      expect(await election.leader()).toMatchObject({
        candidateId: election.candidateId,
        term: 1,
        value: "w",
      });
      await leadership.resign();
      expect(await election.leader()).toBeUndefined();
      const after = look();
      expect(after.middleware).toEqual(before.middleware);
      expect(after.own).toEqual(before.own);
      expect(after.send).toBe(before.send);
      expect(Object.keys(after.config)).toEqual(Object.keys(before.config));
      for (const key of Object.keys(before.config) as Array<keyof typeof before.config>) {
        expect(after.config[key], key).toBe(before.config[key]);
      }
    },
  );
});
