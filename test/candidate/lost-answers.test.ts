import { randomUUID } from "node:crypto";
import { DeleteItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { Election, type ElectionEvent, TableUnavailableError } from "../../src/index.js";
import type { CandidateOptions } from "../../src/options.js";
import type { ClientOptions } from "../../src/store/open-store.js";
import { type Fault, type FaultProxy, type SeenRequest, startFaultProxy } from "../support/fault-proxy.js";
import { leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { gate } from "../support/stage.js";
import { WireTime } from "../support/wire-time.js";

/** Real candidates on a real table, and a network that loses, repeats, delays and forges. Their time is staged. */

const LEASE_MS = 3_000;
const TRUST_MS = LEASE_MS - LEASE_MS / 10;

let tableName: string;
beforeAll(async () => {
  const client = newClient();
  tableName = await newLeaseTable(client);
  client.destroy();
});

/** An election of one's own, and candidates who each reach it through the same bad network. */
class Scene {
  readonly name = `e/${randomUUID()}`;
  readonly time: WireTime;
  readonly direct: DynamoDBClient;
  readonly #clients: DynamoDBClient[] = [];

  private constructor(readonly proxy: FaultProxy) {
    this.time = new WireTime(proxy);
    this.direct = this.#client();
  }

  static async open(): Promise<Scene> {
    return new Scene(await startFaultProxy(inject("dynamodb").endpoint));
  }

  #client(...where: Parameters<typeof newClient>): DynamoDBClient {
    const client = this.time.watch(newClient(...where));
    this.#clients.push(client);
    return client;
  }

  candidate(options: Partial<ClientOptions & CandidateOptions> & { maxAttempts?: number | undefined } = {}) {
    const { maxAttempts, ...rest } = options;
    const client = this.#client(this.proxy.endpoint, maxAttempts === undefined ? {} : { maxAttempts });
    const clock = this.time.clock();
    const events: ElectionEvent[] = [];
    const election = new Election({
      client,
      tableName,
      name: this.name,
      leaseDurationMs: LEASE_MS,
      renewIntervalMs: 300,
      runtime: { clock },
      onEvent: (event) => events.push(event),
      ...rest,
    });
    const count = (type: ElectionEvent["type"]) => events.filter((event) => event.type === type).length;
    return { election, events, clock, count };
  }

  row() {
    return leaseRow(this.direct, tableName, this.name);
  }

  /** One who has led, so that the next one finds a vacant row and knows the table's time. */
  async precede(): Promise<void> {
    await (await this.candidate().election.campaign()).resign();
  }

  async close(): Promise<void> {
    await this.time[Symbol.asyncDispose]();
    await this.proxy.close();
    for (const client of this.#clients) client.destroy();
  }
}

/** Every election of a scene ends within it, and then nothing of it is left. */
function inScene<A extends unknown[]>(play: (scene: Scene, ...args: A) => Promise<void>) {
  return async (...args: A): Promise<void> => {
    const scene = await Scene.open();
    try {
      await play(scene, ...args);
      expect(scene.time.pendingTimers).toBe(0);
    } finally {
      await scene.close();
    }
  };
}

interface Body {
  readonly UpdateExpression?: string;
  readonly ConditionExpression?: string;
}
const body = (request: SeenRequest) => (request.body ?? {}) as Body;
const isFound = ({ operation }: SeenRequest) => operation === "TransactWriteItems";
const isAcquire = (request: SeenRequest) =>
  body(request).ConditionExpression?.includes(":seenRevision") === true;
const isRenew = (request: SeenRequest) =>
  body(request).ConditionExpression?.includes("#revision < :revision") === true;
const isResign = (request: SeenRequest) =>
  body(request).UpdateExpression?.includes("REMOVE #holder") === true &&
  body(request).ConditionExpression === "#holder = :me AND #term = :mine";

const forged = (status: number, name: string): Fault => ({
  kind: "respond",
  status,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: "forged" },
});

const FAULTS: Array<{ what: string; fault: () => Fault }> = [
  { what: "its answer is lost", fault: () => ({ kind: "dropAnswer" }) },
  { what: "its request is lost", fault: () => ({ kind: "dropRequest" }) },
  { what: "it arrives twice", fault: () => ({ kind: "duplicate" }) },
  { what: "the connection is reset", fault: () => ({ kind: "reset" }) },
  { what: "it lands and hangs", fault: () => ({ kind: "hang" }) },
  { what: "it vanishes in a black hole", fault: () => ({ kind: "blackhole" }) },
  { what: "it is throttled", fault: () => forged(400, "ThrottlingException") },
  {
    what: "it exceeds the table's throughput",
    fault: () => forged(400, "ProvisionedThroughputExceededException"),
  },
  {
    what: "it meets a transaction",
    fault: () => forged(400, "TransactionConflictException"),
  },
  {
    what: "it meets a replicated write",
    fault: () => forged(400, "ReplicatedWriteConflictException"),
  },
  { what: "the server fails", fault: () => forged(500, "InternalServerError") },
  { what: "the service is away", fault: () => forged(503, "ServiceUnavailable") },
];
/** The SDK's own number of tries, and one only. */
const CASES = FAULTS.flatMap((fault) =>
  [undefined, 1].map((maxAttempts) => ({
    ...fault,
    maxAttempts,
    tries: maxAttempts ? "1 try" : "SDK retries",
  })),
);

describe("acquire", () => {
  describe.each([
    ["a vacant lease", isAcquire, 1],
    ["the first lease ever", isFound, 0],
  ] as const)("of %s", (_what, isIt, before) => {
    test.concurrent.each(CASES)(
      "refusal taken for loss: never when $what ($tries); it leads, and the row says so",
      inScene(async (scene, { fault, maxAttempts }) => {
        if (before) await scene.precede();
        const { election, events } = scene.candidate({ maxAttempts });
        const hit = scene.proxy.next(isIt, fault());
        const [leadership] = await Promise.all([election.campaign(), hit]);
        leadership.throwIfLost();
        expect(await scene.row()).toMatchObject({
          holder: { S: election.candidateId },
          term: { N: String(leadership.term) },
        });
        // An answer nobody waits for any more can only be read off the row, and then a new term is due.
        const used = leadership.term - before;
        expect(used).toBeGreaterThanOrEqual(1);
        const unanswered = events.filter(({ type }) => type === "unavailable").length;
        expect(used).toBeLessThanOrEqual(1 + unanswered);
        expect(events.filter(({ type }) => type === "refused")).toEqual([]);
        expect(await leadership.resign()).toBe("released");
        expect(await scene.row()).toMatchObject({ term: { N: String(leadership.term) } });
        expect((await scene.row())?.holder).toBeUndefined();
      }),
    );
  });

  test.each([
    ["a vacant lease", isAcquire, 1],
    ["the first lease ever", isFound, 0],
  ] as const)(
    "refusal taken for loss: an SDK retry after a lost answer uses exactly one term of %s",
    inScene(async (scene, _what, isIt, before) => {
      if (before) await scene.precede();
      const { election, events } = scene.candidate();
      const hit = scene.proxy.next(isIt, { kind: "dropAnswer" });
      const leadership = await election.campaign();
      await hit;
      expect(leadership.term).toBe(before + 1);
      expect(scene.proxy.requests.filter(isIt)).toHaveLength(2);
      expect(events.map(({ type }) => type)).toEqual(["elected"]);
      await leadership.resign();
    }),
  );

  test(
    "the same hostname is the same identity: never, a rival does not take the other's lost answer for its own",
    inScene(async (scene) => {
      const one = scene.candidate({ label: "web-1", maxAttempts: 1, tuning: { requestTimeoutMs: 1_000 } });
      const two = scene.candidate({ label: "web-1", maxAttempts: 1 });
      expect(one.election.candidateId).not.toBe(two.election.candidateId);
      // Both have seen the lease vacant and try; the first one's answer is late.
      await (await two.election.campaign()).resign();
      const { opened, open } = gate();
      const held = scene.proxy.next(isAcquire, { kind: "delayAnswer", until: opened });
      const first = one.election.tryCampaign();
      await held;
      expect(await two.election.tryCampaign()).toBeUndefined();
      expect(two.count("refused")).toBe(1);
      open();
      const leadership = await first;
      expect(leadership?.term).toBe(2);
      await leadership?.resign();
    }),
  );

  test(
    "a late acquire that lands after a later tenure changes nothing",
    inScene(async (scene) => {
      await scene.precede();
      const late = scene.candidate({ maxAttempts: 1 });
      const next = scene.candidate();
      const { opened, open } = gate();
      const landed = scene.proxy.next(isAcquire, { kind: "delayRequest", until: opened });
      await expect(late.election.tryCampaign()).rejects.toBeInstanceOf(TableUnavailableError);
      await (await next.election.campaign()).resign();
      const before = await scene.row();
      expect(before).toMatchObject({ term: { N: "2" } });
      open();
      await landed;
      expect(await scene.row()).toEqual(before);
    }),
  );

  test(
    "a late first acquire that lands after the first tenure changes nothing",
    inScene(async (scene) => {
      const late = scene.candidate({ maxAttempts: 1 });
      const { opened, open } = gate();
      const landed = scene.proxy.next(isFound, { kind: "delayRequest", until: opened });
      await expect(late.election.tryCampaign()).rejects.toBeInstanceOf(TableUnavailableError);
      await scene.precede();
      const before = await scene.row();
      open();
      await landed;
      expect(await scene.row()).toEqual(before);
    }),
  );

  test(
    "acquire returns a lease that has already run out: never, though its answer slept through it",
    inScene(async (scene) => {
      await scene.precede();
      const { election, clock, events } = scene.candidate();
      const { opened, open } = gate();
      const held = scene.proxy.next(isAcquire, { kind: "delayAnswer", until: opened });
      const campaign = election.campaign();
      await held;
      // The machine is suspended: only the wall clock goes on.
      clock.offWallMs += LEASE_MS;
      open();
      const leadership = await campaign;
      expect(leadership.remainingMs()).toBeGreaterThan(0);
      expect(leadership.term).toBe(3);
      expect(events.filter(({ type }) => type === "elected")).toMatchObject([{ term: 3 }]);
      await leadership.resign();
    }),
  );

  test(
    "trust counted from the response: never, a slow success is trusted from when its request left",
    inScene(async (scene) => {
      await scene.precede();
      const { election } = scene.candidate({ tuning: { requestTimeoutMs: 1_000 } });
      const slow = gate();
      const held = scene.proxy.next(isAcquire, { kind: "delayAnswer", until: slow.opened });
      const campaign = election.campaign();
      await held;
      await scene.time.sleep(300);
      slow.open();
      const leadership = await campaign;
      expect(leadership.remainingMs()).toBeLessThanOrEqual(TRUST_MS - 300);
      await leadership.resign();
    }),
  );
});

describe("renew", () => {
  test.concurrent.each([
    ...CASES,
    ...[undefined, 1].flatMap((maxAttempts) =>
      [
        "AccessDeniedException",
        "ExpiredTokenException",
        "ResourceNotFoundException",
        "ValidationException",
      ].map((name) => ({
        what: `it is answered ${name}`,
        fault: () => forged(400, name),
        maxAttempts,
        tries: maxAttempts ? "1 try" : "SDK retries",
      })),
    ),
  ])(
    "one failed renewal ends nothing, nor is a refusal taken for loss, when $what ($tries)",
    inScene(async (scene, { fault, maxAttempts }) => {
      const { election, events, count } = scene.candidate({ maxAttempts });
      const leadership = await election.campaign();
      await scene.proxy.next(isRenew, fault());
      const before = count("renewed");
      await scene.time.until(() => count("renewed") >= before + 2);
      leadership.throwIfLost();
      expect(leadership.term).toBe(1);
      expect(leadership.signal.aborted).toBe(false);
      expect(await scene.row()).toMatchObject({ holder: { S: election.candidateId }, term: { N: "1" } });
      expect(await leadership.resign()).toBe("released");
      expect(count("ended")).toBe(1);
      expect(events.filter(({ type }) => type === "elected")).toHaveLength(1);
      expect(await scene.row()).toMatchObject({ term: { N: "1" }, endReason: { S: "resigned" } });
      expect((await scene.row())?.holder).toBeUndefined();
    }),
  );

  test(
    "a follower watches every kind of failed renewal and never leads beside the leader",
    inScene(async (scene) => {
      const { election, count } = scene.candidate({ maxAttempts: 1 });
      const leadership = await election.campaign();
      const rival = scene.candidate();
      const campaign = rival.election.campaign();
      for (const { fault } of FAULTS) {
        const hit = scene.proxy.next(isRenew, fault());
        await hit;
        const before = count("renewed");
        await scene.time.until(() => count("renewed") > before);
        expect(rival.count("elected")).toBe(0);
        leadership.throwIfLost();
      }
      expect(await leadership.resign()).toBe("released");
      const next = await campaign;
      expect(next.term).toBe(2);
      await next.resign();
    }),
  );

  test(
    "a late heartbeat resurrects a released lock: never, it is refused and the row stays vacant",
    inScene(async (scene) => {
      const { election } = scene.candidate({ maxAttempts: 1 });
      const leadership = await election.campaign();
      const { opened, open } = gate();
      const landed = scene.proxy.next(isRenew, { kind: "delayRequest", until: opened });
      await scene.proxy.seen(isRenew);
      expect(await leadership.resign()).toBe("released");
      const before = await scene.row();
      expect(before?.holder).toBeUndefined();
      open();
      await landed;
      expect(await scene.row()).toEqual(before);
    }),
  );

  test(
    "a late heartbeat that lands after a newer one shortens nothing",
    inScene(async (scene) => {
      const { election, count } = scene.candidate({ maxAttempts: 1 });
      const leadership = await election.campaign();
      const { opened, open } = gate();
      const landed = scene.proxy.next(isRenew, { kind: "delayRequest", until: opened });
      await scene.time.until(() => count("renewal-failed") === 1);
      const since = count("renewed");
      await scene.time.until(() => count("renewed") > since);
      const before = await scene.row();
      open();
      await landed;
      expect(await scene.row()).toEqual(before);
      leadership.throwIfLost();
      await leadership.resign();
    }),
  );

  test(
    "trust counted from the response: never, a slow renewal is trusted from when its request left",
    inScene(async (scene) => {
      const { election, count } = scene.candidate({ tuning: { requestTimeoutMs: 1_000 } });
      const leadership = await election.campaign();
      const { opened, open } = gate();
      await scene.proxy.next(isRenew, { kind: "delayAnswer", until: opened });
      const before = count("renewed");
      // Less than to the next renewal, which would prolong it.
      await scene.time.sleep(200);
      open();
      await scene.time.until(() => count("renewed") > before);
      expect(scene.proxy.requests.filter(isRenew)).toHaveLength(1);
      expect(leadership.remainingMs()).toBeLessThanOrEqual(TRUST_MS - 200);
      await leadership.resign();
    }),
  );

  test(
    "an answer that comes after trust has run out brings nothing back",
    inScene(async (scene) => {
      const { election, clock, events } = scene.candidate();
      const leadership = await election.campaign();
      const { opened, open } = gate();
      await scene.proxy.next(isRenew, { kind: "delayAnswer", until: opened });
      clock.offWallMs += LEASE_MS;
      expect(leadership.remainingMs()).toBe(0);
      expect(leadership.signal.reason).toMatchObject({ reason: "expired", term: 1 });
      open();
      expect(await leadership.resign()).toBe("lost");
      expect(() => leadership.throwIfLost()).toThrow();
      expect(events.filter(({ type }) => type === "ended")).toHaveLength(1);
    }),
  );
});

describe("resign", () => {
  test.concurrent.each(CASES)(
    "refusal taken for loss: never when $what ($tries); the lease is released, its term used once",
    inScene(async (scene, { fault, maxAttempts }) => {
      const { election, events } = scene.candidate({ maxAttempts });
      const leadership = await election.campaign();
      const hit = scene.proxy.next(isResign, fault());
      expect(await leadership.resign()).toBe("released");
      await hit;
      const row = await scene.row();
      expect(row).toMatchObject({ term: { N: "1" }, endReason: { S: "resigned" } });
      expect(row?.holder).toBeUndefined();
      expect(events.filter(({ type }) => type === "ended")).toMatchObject([{ reason: "resigned" }]);
      const next = await election.campaign();
      expect(next.term).toBe(2);
      await next.resign();
    }),
  );

  test.each(["another candidate", "the same candidate again"] as const)(
    "release by name only: never, a late one does not free the lease of %s",
    inScene(async (scene, whose) => {
      const { election } = scene.candidate({ maxAttempts: 1 });
      const leadership = await election.campaign();
      const { opened, open } = gate();
      const landed = scene.proxy.next(isResign, { kind: "delayRequest", until: opened });
      expect(await leadership.resign()).toBe("released");
      const next = whose === "another candidate" ? scene.candidate().election : election;
      const later = await next.campaign();
      open();
      await landed;
      expect(await scene.row()).toMatchObject({ holder: { S: next.candidateId }, term: { N: "2" } });
      later.throwIfLost();
      expect(await later.resign()).toBe("released");
    }),
  );

  test(
    "a run whose answer is lost is done, though another candidate leads before it asks again",
    inScene(async (scene) => {
      const { election } = scene.candidate({ maxAttempts: 1 });
      const rival = scene.candidate();
      const isDone = (request: SeenRequest) =>
        isResign(request) && isTickOf(request, "2026-01-01T00:00:00.000Z");
      const { opened, open } = gate();
      const run = election.runOnce("2026-01-01T00:00Z", async () => "result");
      // It lands; its answer, and the second try, wait until the rival leads.
      void scene.proxy.next(isDone, { kind: "hang" });
      void scene.proxy.next(isDone, { kind: "delayRequest", until: opened });
      await scene.proxy.seen(isDone, 2);
      const next = await rival.election.campaign();
      open();
      expect(await run).toMatchObject({ ran: true, result: "result" });
      expect(await scene.row()).toMatchObject({ ticks: { L: [{ S: "2026-01-01T00:00:00.000Z" }] } });
      await next.resign();
    }),
  );
});

function isTickOf(request: SeenRequest, tick: string): boolean {
  return JSON.stringify(request.body).includes(JSON.stringify({ S: tick }));
}

test(
  "the token restarts: never, not after release and not after the row is deleted",
  inScene(async (scene) => {
    const { election } = scene.candidate({
      leaseDurationMs: 1_000,
      renewIntervalMs: 300,
      tuning: { requestTimeoutMs: 250 },
    });
    const terms: number[] = [];
    for (let i = 0; i < 2; i++) {
      const leadership = await election.campaign();
      terms.push(leadership.term);
      await leadership.resign();
      expect((await scene.row())?.ttl).toBeUndefined();
    }
    const Key = { pk: { S: scene.name }, sk: { S: "lease" } };
    await scene.direct.send(new DeleteItemCommand({ TableName: tableName, Key }));
    const newcomer = scene.candidate({
      leaseDurationMs: 1_000,
      renewIntervalMs: 300,
      tuning: { requestTimeoutMs: 250 },
    });
    const leadership = await newcomer.election.campaign();
    terms.push(leadership.term);
    await leadership.resign();
    expect(terms).toEqual([1, 2, 3]);
  }),
);

test(
  "wall clocks of two hosts compared: never, whoever is hours off in whichever direction",
  inScene(async (scene) => {
    const past = scene.candidate();
    const future = scene.candidate();
    past.clock.offWallMs = -6 * 3_600_000;
    future.clock.offWallMs = 6 * 3_600_000;
    const leadership = await past.election.campaign();
    expect(await future.election.tryCampaign()).toBeUndefined();
    const campaign = future.election.campaign();
    await scene.time.until(() => past.count("renewed") >= 3);
    leadership.throwIfLost();
    expect(future.count("elected")).toBe(0);
    await leadership.resign();
    const next = await campaign;
    expect(next.term).toBe(2);
    expect(await past.election.tryCampaign()).toBeUndefined();
    await next.resign();
  }),
);
