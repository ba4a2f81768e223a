import { randomUUID } from "node:crypto";
import {
  type AttributeValue,
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  type ScalarAttributeType,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterEach, describe, expect, inject, test, vi } from "vitest";
import {
  Election,
  type ElectionEvent,
  type Leadership,
  MalformedLeaseError,
  TableError,
  TableUnavailableError,
} from "../../src/index.js";
import type { CandidateOptions, RankSuccession } from "../../src/options.js";
import { storeError } from "../../src/store/dynamodb/errors.js";
import type { ClientOptions } from "../../src/store/open-store.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import {
  eventually,
  leaseRow,
  newClient,
  newLeaseTable,
  newTable,
  watchedClock,
} from "../support/fixture.js";

const client = newClient();
/** On a busy machine too no request of theirs times out. */
const NO_ANSWER_IS_LATE = { leaseDurationMs: 60_000, tuning: { requestTimeoutMs: 15_000 } };
const candidate = (options: Partial<ClientOptions & CandidateOptions>) =>
  new Election({ client, name: `e/${randomUUID()}`, ...NO_ANSWER_IS_LATE, ...options });

/** Everything a candidate can do first. */
const WAYS: Array<[string, (election: Election) => Promise<unknown>]> = [
  ["lead", (election) => election.lead(() => {})],
  ["campaign", (election) => election.campaign()],
  ["tryCampaign", (election) => election.tryCampaign()],
  ["runOnce", (election) => election.runOnce("2026-01-01", () => {})],
  ["leader", (election) => election.leader()],
  ["observe", (election) => election.observe().next()],
];

describe.each(WAYS)("%s", (_way, start) => {
  const failure = async (options: Partial<ClientOptions & CandidateOptions>): Promise<TableError> => {
    const error: unknown = await start(candidate(options)).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(TableError);
    return error as TableError;
  };

  test("an unknown table is named, with what to do", async () => {
    const error = await failure({ tableName: "no-such-table" });
    expect(error).toMatchObject({ tableName: "no-such-table", problem: "missing", code: "TABLE_UNUSABLE" });
    expect(error.message).toContain("no-such-table");
    expect(error.fix).toMatch(/create it/);
  });

  test("a table keyed otherwise is told which key it needs", async () => {
    const error = await failure({ tableName: await newTable(client) });
    expect(error).toMatchObject({ problem: "key-schema" });
    expect(error.fix).toMatch(/pk \(S\).*sk \(S\)/);
  });

  test("no permission: the error names what to grant", async () => {
    const proxy = await startFaultProxy(inject("dynamodb").endpoint);
    const denied = newClient(proxy.endpoint);
    const body = { __type: "com.amazon.coral.service#AccessDeniedException", Message: "not authorized" };
    void proxy.next(() => true, { kind: "respond", status: 400, body });
    const error = await failure({ client: denied, tableName: await newLeaseTable(client) });
    expect(error).toMatchObject({ problem: "access-denied" });
    expect(error.fix).toMatch(/GetItem.*UpdateItem.*Query.*ConditionCheckItem/);
    await proxy.close();
  });
});

describe("a table whose key is nearly right is refused", () => {
  const S = "S" as const;
  test.each<[string, Array<[string, ScalarAttributeType]>]>([
    ["pk alone", [["pk", S]]],
    [
      "sk before pk",
      [
        ["sk", S],
        ["pk", S],
      ],
    ],
    [
      "a number as pk",
      [
        ["pk", "N"],
        ["sk", S],
      ],
    ],
    [
      "a number as sk",
      [
        ["pk", S],
        ["sk", "N"],
      ],
    ],
    [
      "another sort key",
      [
        ["pk", S],
        ["id", S],
      ],
    ],
  ])("%s", async (_what, key) => {
    const tableName = `keyed-${randomUUID()}`;
    await client.send(
      new CreateTableCommand({
        TableName: tableName,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: key.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
        KeySchema: key.map(([AttributeName], i) => ({ AttributeName, KeyType: i === 0 ? "HASH" : "RANGE" })),
      }),
    );
    const outcome = candidate({ tableName }).tryCampaign();
    await expect(outcome).rejects.toMatchObject({ code: "TABLE_UNUSABLE", problem: "key-schema" });
  });
});

describe("a rank that DynamoDB cannot hold", () => {
  const ranked = (rank: RankSuccession["rank"], tableName: string, events: ElectionEvent[] = []) =>
    candidate({ tableName, succession: { order: "rank", rank }, onEvent: (event) => events.push(event) });

  /** Until the end of the scope. */
  const leading = (election: Election): AsyncDisposable => {
    const stop = new AbortController();
    const until = (signal: AbortSignal) =>
      new Promise((resolve) => signal.addEventListener("abort", resolve));
    const life = election.lead(({ signal }) => until(signal), { signal: stop.signal, announce: false });
    return {
      async [Symbol.asyncDispose]() {
        stop.abort();
        await life;
      },
    };
  };

  test.each([1e300, 1e126, -1e126, 1e-131, Number.NaN, Number.POSITIVE_INFINITY, "7" as never])(
    "%s is refused as an option",
    (rank) => {
      expect(() => ranked(rank, "incumbent")).toThrow(
        /^succession.rank: must be a number that DynamoDB can hold: 0, or 1e-130 to 9.99e125, or the negative of that/,
      );
    },
  );

  test.each([0, -0, 1e-130, -9.99e125, 9.99e125, 2 ** 53, 0.1])("%s stands in the row", async (rank) => {
    const tableName = await newLeaseTable(client);
    const election = ranked(rank, tableName);
    await using _ = leading(election);
    const [listed] = await eventually(async () => {
      const candidates = await election.candidates();
      return candidates.length > 0 && candidates;
    });
    expect(listed?.rank).toBe(rank + 0);
  });

  test.each<[string, () => number]>([
    ["1e300", () => 1e300],
    ["an error", () => expect.unreachable("4111")],
  ])("%s of a function is told of, and the candidate stands with the rank it had", async (_what, wrong) => {
    const tableName = await newLeaseTable(client);
    const events: ElectionEvent[] = [];
    let asked = 0;
    const rank = () => (asked++ === 0 ? 7 : wrong());
    const election = candidate({
      tableName,
      succession: { order: "rank", rank },
      // It is asked for its rank at each renewal.
      renewIntervalMs: 100,
      onEvent: (event) => events.push(event),
    });
    await using _ = leading(election);
    const ignored = await eventually(() => events.find(({ type }) => type === "rank-ignored"));
    expect(ignored).toMatchObject({ error: { code: "INVALID_OPTION", option: "succession.rank" } });
    expect(events.filter(({ type }) => type === "unavailable")).toEqual([]);
    expect(await election.candidates()).toMatchObject([{ rank: 7 }]);
  });
});

describe("a request that DynamoDB finds malformed is about the key only if its text says so", () => {
  const Key = { pk: { S: "e" }, sk: { S: "lease" } };
  const refusalOf = async (command: UpdateItemCommand) =>
    storeError(await client.send(command).catch((error: unknown) => error), "incumbent", "write");

  test("a number that overflows, for the key of a value", async () => {
    const error = await refusalOf(
      new UpdateItemCommand({
        TableName: await newLeaseTable(client),
        Key,
        UpdateExpression: "SET a = :r",
        ExpressionAttributeValues: { ":r": { N: "1e300" } },
      }),
    );
    expect(error).toMatchObject({ problem: "request", cause: { name: "ValidationException" } });
    expect((error as Error).message).toContain("ExpressionAttributeValues contains invalid");
  });

  test("an item that speaks of keys", async () => {
    const error = await refusalOf(
      new UpdateItemCommand({
        TableName: await newLeaseTable(client),
        Key,
        UpdateExpression: "SET keys key = :r",
      }),
    );
    expect(error).toMatchObject({ problem: "request" });
  });

  test.each([
    "The provided key element does not match the schema",
    "The number of conditions on the keys is invalid",
    "One of the required keys was not given a value",
    "One or more parameter values were invalid: Missing the key sk in the item",
    "One or more parameter values were invalid: Type mismatch for key pk expected: N actual: S",
    "One or more parameter values were invalid: Condition parameter type does not match schema type",
    "Query condition missed key schema element: sk",
    "Query key condition not supported",
  ])("%s: the key schema", (message) => {
    const error = Object.assign(new Error(message), { name: "ValidationException" });
    expect(storeError(error, "incumbent", "write")).toMatchObject({ problem: "key-schema" });
  });

  test.each([
    "Value 'The provided key element does not match the schema' at 'x' failed to satisfy constraint",
    "1 validation error detected: Value 'key' at 'keys' failed",
  ])("%s: another request", (message) => {
    const error = Object.assign(new Error(message), { name: "ValidationException" });
    expect(storeError(error, "incumbent", "write")).toMatchObject({ problem: "request" });
  });
});

describe("the client itself", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("without credentials is told so, before anything is sent", async () => {
    for (const name of Object.keys(process.env).filter((each) => each.startsWith("AWS_"))) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
    await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
    const anonymous = new DynamoDBClient({ endpoint: proxy.endpoint, region: "eu-central-1" });
    const outcome = candidate({ client: anonymous, tableName: "incumbent" }).tryCampaign();
    await expect(outcome).rejects.toMatchObject({ problem: "credentials" });
    expect(proxy.requests).toEqual([]);
  });

  test("with credentials that fail is told so", async () => {
    const failing = new DynamoDBClient({
      ...inject("dynamodb"),
      credentials: async () => {
        throw Object.assign(new Error("the token has expired"), { name: "CredentialsProviderError" });
      },
    });
    const outcome = candidate({ client: failing, tableName: "incumbent" }).campaign();
    await expect(outcome).rejects.toMatchObject({ problem: "credentials" });
  });

  test.each(["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"])(
    "whose request is answered %s is told what to mend",
    async (name) => {
      await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
      const body = { __type: `com.amazon.coral.service#${name}`, message: "no" };
      for (let i = 0; i < 3; i++) void proxy.next("GetItem", { kind: "respond", status: 400, body });
      const outcome = candidate({ client: newClient(proxy.endpoint), tableName: "incumbent" }).tryCampaign();
      await expect(outcome).rejects.toBeInstanceOf(TableError);
    },
  );
});

test.each([-36, -2, 2, 36])("a host whose clock is %i hours off leads, renews and resigns", async (hours) => {
  const tableName = await newLeaseTable(client);
  const clock = watchedClock();
  clock.offWallMs = hours * 3_600_000;
  let renewals = 0;
  const election = candidate({
    tableName,
    runtime: { clock },
    renewIntervalMs: 300,
    onEvent: ({ type }) => {
      if (type === "renewed") renewals += 1;
    },
  });
  const leadership = await election.campaign();
  await eventually(() => renewals >= 2);
  // Somebody sets it right, or wrong again, backwards: no time has passed by the other clock.
  clock.offWallMs = -hours * 3_600_000 - 3_600_000 * Math.abs(hours);
  const before = renewals;
  if (hours > 0) {
    await eventually(() => renewals > before);
    leadership.throwIfLost();
  }
  const row = await leaseRow(client, tableName, election.name);
  // Within a minute of the table's time, which is this host's here, not of the wrong clock.
  expect(Math.abs(Number(row?.renewedAt?.N) - Date.now())).toBeLessThan(60_000);
  // The two witnesses of service time are more than a lease apart: observation decides when it ends.
  expect(row).not.toHaveProperty("expiresAt");
  await leadership.resign();
  expect(clock.pendingTimers).toBe(0);
});

describe("a row written by something else", () => {
  const whole: Record<string, AttributeValue> = {
    pk: { S: "e" },
    sk: { S: "lease" },
    holder: { S: "a-1" },
    attemptId: { S: "x" },
    term: { N: "7" },
    revision: { N: "70" },
    leaseDurationMs: { N: "3000" },
    renewIntervalMs: { N: "1000" },
    expiresAt: { N: "1" },
    electedAt: { N: "1" },
    renewedAt: { N: "1" },
    value: { S: "v" },
    stepDownBy: { S: "op" },
    reservedForCandidate: { S: "b" },
    reservedUntil: { N: "1" },
    ticks: { L: [{ S: "t" }] },
    tickFloor: { S: "s" },
    tickTerm: { N: "1" },
    tickResetTerm: { N: "1" },
    tickResetBy: { S: "op" },
    tickResetAt: { N: "1" },
    tickResetId: { S: "r-1" },
    endReason: { S: "resigned" },
    endedAt: { N: "1" },
    custom: { L: [{ BOOL: true }, { B: new Uint8Array([0, 255]) }] },
  };
  const required = ["term", "revision", "leaseDurationMs"];
  const optional = Object.keys(whole).filter((name) => !["pk", "sk", "custom", ...required].includes(name));
  const { holder: _, ...vacant } = whole;

  const wrong: Array<[string, string, AttributeValue | undefined]> = [
    ...required.map((name): [string, string, undefined] => [name, "missing", undefined]),
    ...[...required, ...optional].flatMap((name): Array<[string, string, AttributeValue]> => {
      const isNumber = whole[name]?.N !== undefined;
      return [
        [name, "of another type", isNumber ? { S: "7" } : { N: "7" }],
        [name, "null", { NULL: true }],
        [name, "a map", { M: {} }],
        ...(isNumber
          ? ([
              [name, "negative", { N: "-1" }],
              [name, "a fraction", { N: "1.5" }],
              [name, "beyond exact numbers", { N: "9007199254740993" }],
            ] as Array<[string, string, AttributeValue]>)
          : []),
      ];
    }),
    ["term", "beyond twelve digits", { N: "1000000000000" }],
    ["leaseDurationMs", "beyond a day", { N: "86400001" }],
    ["renewIntervalMs", "beyond a day", { N: "86400001" }],
    ["ticks", "with a number in it", { L: [{ S: "t" }, { N: "7" }] }],
    ["ticks", "out of order", { L: [{ S: "u" }, { S: "t" }] }],
    ["ticks", "with one tick twice", { L: [{ S: "t" }, { S: "t" }] }],
    ["ticks", "at the floor", { L: [{ S: "s" }, { S: "t" }] }],
    ["ticks", "below the floor", { L: [{ S: "r" }, { S: "t" }] }],
    ["ticks", "with an empty tick", { L: [{ S: "" }] }],
    ["ticks", "of another form", { L: [{ S: "2026-01-31T03:00:00Z" }] }],
    ["ticks", "more than 64", { L: Array.from({ length: 65 }, (_, i) => ({ S: `t${100 + i}` })) }],
    ["tickFloor", "empty", { S: "" }],
    ["tickFloor", "of another form", { S: "007" }],
  ];

  test.each(wrong)("%s %s: named, and the row is left byte for byte", async (name, _how, value) => {
    const tableName = await malformedTable;
    const { [name]: __, ...rest } = name === "holder" ? whole : vacant;
    const pk = { S: `e/${randomUUID()}` };
    const Item = { ...rest, pk, ...(value && { [name]: value }) };
    await client.send(new PutItemCommand({ TableName: tableName, Item }));
    for (const [, start] of WAYS) {
      const error: unknown = await start(candidate({ tableName, name: pk.S })).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(MalformedLeaseError);
      expect(error).toMatchObject({ attribute: name, election: pk.S, code: "MALFORMED_LEASE" });
      expect((error as Error).message).toContain(`"${name}"`);
    }
    expect(await leaseRow(client, tableName, pk.S)).toEqual(Item);
  });

  test("only the attributes that are needed, and unknown ones beside them: an election goes on with it", async () => {
    const tableName = await malformedTable;
    const { pk: __, sk, term, revision, leaseDurationMs, custom } = vacant as typeof whole;
    const pk = { S: `e/${randomUUID()}` };
    const Item = { pk, sk, term, revision, leaseDurationMs, custom } as Record<string, AttributeValue>;
    await client.send(new PutItemCommand({ TableName: tableName, Item }));
    const leadership = (await candidate({ tableName, name: pk.S }).tryCampaign()) as Leadership;
    expect(leadership.term).toBe(8);
    expect((await leaseRow(client, tableName, pk.S))?.custom).toEqual(custom);
    await leadership.resign();
  });

  const malformedTable = newLeaseTable(client);
});

describe("a table that cannot be reached", () => {
  const away = async (proxy: FaultProxy) => {
    await proxy.close();
    return newClient(proxy.endpoint, { maxAttempts: 1 });
  };

  test("one try says so and sends nothing more; a reader as well", async () => {
    const unreachable = await away(await startFaultProxy(inject("dynamodb").endpoint));
    const clock = watchedClock();
    const election = candidate({ client: unreachable, tableName: "incumbent", runtime: { clock } });
    for (const ask of [
      () => election.tryCampaign(),
      () => election.leader(),
      () => election.runOnce("1", () => {}),
    ]) {
      await expect(ask()).rejects.toBeInstanceOf(TableUnavailableError);
    }
    expect(clock.pendingTimers).toBe(0);
  });

  test("a campaign waits it out, tells each failure, and leads once the table is back", async () => {
    await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
    const tableName = await newLeaseTable(client);
    const clock = watchedClock();
    const failures: unknown[] = [];
    const cut = Array.from({ length: 3 }, () => proxy.next(() => true, { kind: "reset" }));
    const election = candidate({
      client: newClient(proxy.endpoint, { maxAttempts: 1 }),
      tableName,
      runtime: { clock },
      onEvent: (event) => {
        if (event.type === "unavailable") failures.push(event.error);
      },
    });
    const leadership = await election.campaign();
    await Promise.all(cut);
    expect(failures).toHaveLength(3);
    for (const failure of failures) expect(failure).toBeInstanceOf(TableUnavailableError);
    await leadership.resign();
    expect(clock.pendingTimers).toBe(0);
  });

  test("a campaign against it ends at once when its signal aborts, with the signal's reason", async () => {
    const unreachable = await away(await startFaultProxy(inject("dynamodb").endpoint));
    const clock = watchedClock();
    const stop = new AbortController();
    const election = candidate({
      client: unreachable,
      tableName: "incumbent",
      runtime: { clock },
      onEvent: ({ type }) => {
        if (type === "unavailable") stop.abort(new Error("enough"));
      },
    });
    await expect(election.campaign({ signal: stop.signal })).rejects.toThrow("enough");
    expect(clock.pendingTimers).toBe(0);
  });
});
