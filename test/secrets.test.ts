import { randomUUID } from "node:crypto";
import { TransactionCanceledException, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  Election,
  type ElectionEvent,
  type ElectionOptions,
  IncumbentError,
  type Leadership,
  type LeadOptions,
  Operator,
  type OperatorOptions,
  type RankSuccession,
  type ResignOptions,
  type RunOnceOptions,
  type Runtime,
  type TransactionAction,
  type TransactOptions,
  type Tuning,
} from "../src/index.js";
import { type LeaderOptions, type LeaderTuning, leaderHandler } from "../src/lambda/index.js";
import type { CandidateRow, TermRecord } from "../src/protocol/verbs.js";
import { toCandidate, toLease } from "../src/store/dynamodb/lease-codec.js";
import { toHistory, toTerm } from "../src/store/dynamodb/term-codec.js";
import { MemoryTable } from "../src/testing/index.js";
import { CANARY, errorOf, expectNoCanary, FORMS } from "./support/canary.js";
import { newClient, newLeaseTable, newTable } from "./support/fixture.js";
import type { Facts } from "./support/lease.js";
import { Stage } from "./support/stage.js";

/** What is passed is never shown: canaries in every place, looked for through all that an error holds. */

const forms = Object.entries(FORMS);
const named = { name: "billing/nightly" };
const warned: unknown[] = [];
vi.spyOn(process, "emitWarning").mockImplementation((warning) => void warned.push(warning));
afterEach(() => expectNoCanary(warned.splice(0)));

/** Typed by the options, so that a new one is not forgotten. `free`: any text is right there. */
const ELECTION: Record<keyof ElectionOptions, "refused" | "free"> = {
  client: "refused",
  tableName: "refused",
  store: "refused",
  session: "refused",
  name: "refused",
  label: "refused",
  value: "free",
  leaseDurationMs: "refused",
  renewIntervalMs: "refused",
  stopTimeoutMs: "refused",
  lastWill: "refused",
  heartbeat: "refused",
  succession: "refused",
  eligible: "refused",
  group: "refused",
  healthy: "refused",
  onEvent: "refused",
  tuning: "refused",
  runtime: "refused",
};
type InGroups =
  | `succession.${keyof RankSuccession}`
  | `tuning.${keyof Tuning}`
  | `runtime.${keyof Runtime}`
  | "succession.preempt.minTenureMs"
  | "tuning.expiry.maxServiceClockErrorMs";
const IN_GROUPS: Record<InGroups, (canary: unknown) => object> = {
  "succession.order": (order) => ({ succession: { order } }),
  "succession.rank": (rank) => ({ succession: { order: "rank", rank } }),
  "succession.preempt": (preempt) => ({ succession: { order: "rank", rank: 1, preempt } }),
  "succession.preempt.minTenureMs": (minTenureMs) => ({
    succession: { order: "rank", rank: 1, preempt: { minTenureMs } },
  }),
  "succession.maxTenureMs": (maxTenureMs) => ({ succession: { order: "ring", maxTenureMs } }),
  "tuning.safetyMarginMs": (safetyMarginMs) => ({ tuning: { safetyMarginMs } }),
  "tuning.requestTimeoutMs": (requestTimeoutMs) => ({ tuning: { requestTimeoutMs } }),
  "tuning.standbyPollMs": (standbyPollMs) => ({ succession: "arrival", tuning: { standbyPollMs } }),
  "tuning.deleteIdleAfterMs": (deleteIdleAfterMs) => ({ tuning: { deleteIdleAfterMs } }),
  "tuning.historyRetentionMs": (historyRetentionMs) => ({ tuning: { historyRetentionMs } }),
  "tuning.expiry": (expiry) => ({ tuning: { expiry } }),
  "tuning.expiry.maxServiceClockErrorMs": (maxServiceClockErrorMs) => ({
    tuning: { expiry: { maxServiceClockErrorMs } },
  }),
  "runtime.clock": (clock) => ({ runtime: { clock } }),
  "runtime.random": (random) => ({ runtime: { random } }),
};
const FUNCTIONS = new Set(["succession.order", "succession.rank", "healthy", "onEvent", "runtime.random"]);
const client = { send: () => Promise.reject(new Error("unused")) };
/** A table that works, unless it is what the canary is passed for. */
const whereFor = (option: string) =>
  option === "client" || option === "tableName" ? { client } : { store: new MemoryTable() };
const OPTIONS: Array<[string, "refused" | "free", (canary: unknown) => object]> = [
  ...Object.entries(ELECTION).map(([option, kind]): (typeof OPTIONS)[number] => [
    option,
    kind,
    (canary) => ({ [option]: canary }),
  ]),
  ...Object.entries(IN_GROUPS).map(([path, place]): (typeof OPTIONS)[number] => [path, "refused", place]),
];

describe.each(OPTIONS)("the option %s", (option, kind, place) => {
  test.each(forms)("%s", async (form, canary) => {
    // What a function of the caller's own throws at once is handed back to it.
    if (option === "runtime.random" && typeof canary === "function") return;
    const error = await errorOf(
      () => new Election({ ...named, ...whereFor(option), ...place(canary) } as never),
    );
    const right =
      (kind === "free" && form === "a string") || (FUNCTIONS.has(option) && typeof canary === "function");
    if (!right) expect(error).toMatchObject({ code: "INVALID_OPTION" });
    expectNoCanary(error);
  });
});

describe("functions that throw it", () => {
  const own = new Error(CANARY);
  const thrower = () => {
    throw own;
  };
  const PLACES = {
    order: { succession: { order: thrower } },
    rank: { succession: { order: "rank", rank: thrower } },
    healthy: { healthy: thrower },
    onEvent: { onEvent: thrower },
  } as const;
  test.each(["order", "rank", "healthy", "onEvent"] as const)("%s", async (option) => {
    const stage = new Stage();
    const events: ElectionEvent[] = [];
    const onEvent = (event: ElectionEvent) => void events.push(event);
    const { election } = stage.candidate("a", { onEvent, ...PLACES[option] });
    const stop = new AbortController();
    const life = election.lead(() => new Promise(() => {}), { signal: stop.signal, announce: false });
    life.catch(() => {});
    await stage.advance(5_000);
    if (option === "rank") expect(events.map(({ type }) => type)).toContain("rank-ignored");
    if (option === "onEvent") expect(warned.length).toBeGreaterThan(0);
    // Its author gets the error of a health check back unchanged, as the error of work. Nothing else holds it.
    const passedOn = events.filter((event) => event.type === "unhealthy" && event.error === own);
    expect(passedOn.length > 0).toBe(option === "healthy");
    expectNoCanary(events.filter((event) => !passedOn.includes(event)));
  });
});

const OPERATOR: Record<keyof OperatorOptions | "runtime.clock" | "runtime.random", 0> = {
  client: 0,
  tableName: 0,
  store: 0,
  name: 0,
  by: 0,
  runtime: 0,
  "runtime.clock": 0,
  "runtime.random": 0,
};
test.each(Object.keys(OPERATOR))("the operator's option %s", async (option) => {
  for (const [, canary] of forms) {
    if (option === "runtime.random" && typeof canary === "function") continue;
    const place = IN_GROUPS[option as InGroups] ?? ((value) => ({ [option]: value }));
    const options = { ...named, ...whereFor(option), ...place(canary) };
    expectNoCanary(await errorOf(() => new Operator(options as never)));
  }
});

/** Each call with a canary in each of its options. */
const CALLS: Record<string, (election: Election, operator: Operator, canary: never) => unknown> = {
  ...fromOptions<LeadOptions>({ signal: 0, announce: 0, onWorkError: 0 }, "lead", (election, options) =>
    election.lead(() => {}, options),
  ),
  ...fromOptions<RunOnceOptions>(
    { signal: 0, wait: 0, ticks: 0, reserveForMs: 0 },
    "runOnce",
    (election, options) => election.runOnce("2026-01-01", () => {}, options),
  ),
  "lead(work)": (election, _, canary) => election.lead(canary),
  "runOnce(tick)": (election, _, canary) => election.runOnce(canary, () => {}),
  "history(limit)": (election, _, canary) => election.history({ limit: canary }),
  "requestStepDown(to)": (_, operator, canary) => operator.requestStepDown({ to: canary }),
  "resetTick(to)": (_, operator, canary) => operator.resetTick({ to: canary }),
};

function fromOptions<T>(
  keys: Record<keyof T, 0>,
  call: string,
  start: (election: Election, options: T) => unknown,
): typeof CALLS {
  return Object.fromEntries(
    Object.keys(keys).map((key) => [
      `${call}(${key})`,
      (election, _, canary) => start(election, { [key]: canary } as T),
    ]),
  );
}

test.each(Object.entries(CALLS))("%s", async (_what, start) => {
  for (const [, canary] of forms) {
    const store = new MemoryTable();
    const error = await errorOf(() =>
      start(new Election({ ...named, store }), new Operator({ ...named, store }), canary as never),
    );
    // What the work itself throws is its caller's own.
    if (typeof canary !== "function") expectNoCanary(error);
  }
});

/** Each method of a leadership with a canary in each argument. */
const METHODS: Record<string, (leadership: Leadership, canary: never) => unknown> = {
  throwIfLost: (leadership, canary) => leadership.throwIfLost(canary),
  proclaim: (leadership, canary) => leadership.proclaim(canary),
  stepDown: (leadership, canary) => leadership.stepDown({ to: canary }),
  ...Object.fromEntries(
    Object.keys({ to: 0, reserveForMs: 0 } satisfies Record<keyof ResignOptions, 0>).map((key) => [
      `resign ${key}`,
      (leadership: Leadership, canary: never) => leadership.resign({ [key]: canary }),
    ]),
  ),
  guard: (leadership, canary) => leadership.guard(canary),
  ...guardFields(),
  transact: (leadership, canary) => leadership.transact(canary),
  ...Object.fromEntries(
    Object.keys({ keys: 0 } satisfies Record<keyof TransactOptions, 0>).map((key) => [
      `transact ${key}`,
      (leadership: Leadership, canary: never) =>
        leadership.transact([{ Put: { TableName: "ledger", Item: { id: "1" } } }], { [key]: canary }),
    ]),
  ),
  "transact an action": (leadership, canary) => leadership.transact([canary]),
  ...actionFields(),
};

function guardFields(): typeof METHODS {
  const legacy = ["Expected", "AttributeUpdates", "ConditionalOperator", "Key"];
  return Object.fromEntries(
    legacy.map((field) => [
      `guard ${field}`,
      (leadership: Leadership, canary: never) => leadership.guard({ Item: { id: "1" }, [field]: canary }),
    ]),
  );
}

function actionFields(): typeof METHODS {
  type Kind = keyof TransactionAction;
  type Field<K extends Kind> = keyof NonNullable<TransactionAction[K]>;
  const common = {
    TableName: 0,
    ConditionExpression: 0,
    ExpressionAttributeNames: 0,
    ExpressionAttributeValues: 0,
    ReturnValuesOnConditionCheckFailure: 0,
  } as const;
  const fields: { [K in Kind]-?: Record<Field<K>, 0> } = {
    Put: { ...common, Item: 0 },
    Update: { ...common, Key: 0, UpdateExpression: 0 },
    Delete: { ...common, Key: 0 },
    ConditionCheck: { ...common, Key: 0 },
  };
  const right = {
    Put: { TableName: "ledger", Item: { id: "1" } },
    Update: { TableName: "ledger", Key: { id: "1" }, UpdateExpression: "SET paid = :yes" },
    Delete: { TableName: "ledger", Key: { id: "1" } },
    ConditionCheck: { TableName: "ledger", Key: { id: "1" }, ConditionExpression: "attribute_exists(id)" },
  };
  const methods: typeof METHODS = {};
  for (const kind of Object.keys(fields) as Kind[]) {
    for (const field of Object.keys(fields[kind])) {
      const places: Array<[string, (canary: unknown) => unknown]> = [
        ["", (canary) => canary],
        [" a plain attribute", (canary) => ({ id: "1", amount: canary })],
        [" below", (canary) => ({ id: "1", accounts: { [CANARY]: [canary] } })],
        [" an attribute value", (canary) => ({ id: { S: "1" }, amount: { N: canary } })],
        [" another type", (canary) => ({ id: { S: "1" }, amount: { [CANARY]: canary } })],
        [" a value", (canary) => ({ ":yes": canary })],
        [" a name", (canary) => ({ "#a": canary, [CANARY]: "a" })],
      ];
      for (const [where, made] of places) {
        methods[`transact ${kind} ${field}${where}`] = (leadership, canary) =>
          leadership.transact([{ [kind]: { ...right[kind], [field]: made(canary) } } as TransactionAction]);
      }
    }
  }
  return methods;
}

test.each(Object.entries(METHODS))("%s", async (_what, call) => {
  const stage = new Stage();
  const { election, events } = stage.candidate("a");
  const opened = election.campaign();
  await stage.advance(50);
  let leadership = await opened;
  for (const [, canary] of forms) {
    const outcome = errorOf(() => call(leadership, canary as never));
    await stage.advance(200);
    const error = await outcome;
    expectNoCanary(error);
    if (error !== undefined) expect(error).toBeInstanceOf(IncumbentError);
    expectNoCanary(events.map(({ ...event }) => event));
    if (leadership.remainingMs() > 0 && !leadership.signal.aborted) continue;
    void leadership.resign();
    await stage.advance(100);
    const again = election.campaign();
    await stage.advance(6_000);
    leadership = await again;
  }
});

type InLeaderGroups = `tuning.${keyof LeaderTuning}` | `runtime.${keyof Runtime}`;
const LEADER: Record<keyof LeaderOptions | InLeaderGroups, 0> = {
  client: 0,
  store: 0,
  tableName: 0,
  election: 0,
  once: 0,
  ticks: 0,
  onMissedTick: 0,
  tickPeriodMs: 0,
  standBy: 0,
  sticky: 0,
  drainMs: 0,
  leaseDurationMs: 0,
  label: 0,
  value: 0,
  tuning: 0,
  "tuning.expiry": 0,
  "tuning.historyRetentionMs": 0,
  onEvent: 0,
  runtime: 0,
  "runtime.clock": 0,
  "runtime.random": 0,
};
const invocation = { getRemainingTimeInMillis: () => 30_000 };

test.each(Object.keys(LEADER))("a Lambda handler's option %s", async (option) => {
  for (const [, canary] of forms) {
    if (option === "runtime.random" && typeof canary === "function") continue;
    const place = IN_GROUPS[option as InGroups] ?? ((value) => ({ [option]: value }));
    const options = { election: "e", ...whereFor(option), ...place(canary) };
    expectNoCanary(await errorOf(() => leaderHandler(() => {}, options as never)({}, invocation)));
  }
});

test.each(["group", "forMs"])("a Lambda handler's sticky.%s", async (field) => {
  for (const [, canary] of forms) {
    const sticky = { group: "a", forMs: 1_000, [field]: canary };
    const options = { election: "e", store: new MemoryTable(), sticky };
    const error = await errorOf(() => leaderHandler(() => {}, options)({}, invocation));
    expect(error).toMatchObject({ code: "INVALID_OPTION" });
    expectNoCanary(error);
  }
});

test("a Lambda function's environment, event and context", async () => {
  const store = new MemoryTable();
  const names = ["TABLE", "ELECTION", "ONCE", "STICKY_GROUP", "STICKY_MS"].map((name) => `INCUMBENT_${name}`);
  for (const name of names) {
    for (const each of names) vi.stubEnv(each, "");
    vi.stubEnv("INCUMBENT_STICKY_GROUP", "a").stubEnv("INCUMBENT_STICKY_MS", "60000").stubEnv(name, CANARY);
    const options = name.endsWith("TABLE") ? { election: "e" } : { store };
    expectNoCanary(await errorOf(() => leaderHandler(() => {}, options)({}, invocation)));
  }
  vi.unstubAllEnvs();
  for (const [, canary] of forms) {
    const handler = leaderHandler(() => {}, { store, election: "e", once: "tick" });
    for (const event of [canary, { scheduledTime: canary }, { time: canary }, { [CANARY]: canary }]) {
      expectNoCanary(await errorOf(() => handler(event, invocation)));
    }
    expectNoCanary(await errorOf(() => handler({ time: "2026-01-01T00:00:00Z" }, canary as never)));
  }
});

describe("rows", () => {
  const values = [
    { S: CANARY },
    { N: CANARY },
    { N: "4111.5" },
    { L: [{ N: CANARY }] },
    { M: { [CANARY]: { S: CANARY } } },
  ];
  const lease = { term: 1, revision: 1, leaseDurationMs: 3_000, holder: "a" };
  const LEASE: Record<keyof Facts, 0> = {
    term: 0,
    revision: 0,
    leaseDurationMs: 0,
    renewIntervalMs: 0,
    holder: 0,
    session: 0,
    nudges: 0,
    nudged: 0,
    isAcknowledged: 0,
    isAwaited: 0,
    electedErrorMs: 0,
    renewedErrorMs: 0,
    endedErrorMs: 0,
    attemptId: 0,
    expiresAt: 0,
    electedAt: 0,
    renewedAt: 0,
    value: 0,
    stepDown: 0,
    line: 0,
    announcement: 0,
    reservation: 0,
    pausedBy: 0,
    pauseRevision: 0,
    lastCommit: 0,
    commitBefore: 0,
    previousTerm: 0,
    previousEndReason: 0,
    ticks: 0,
    ttl: 0,
    tickTerm: 0,
    tickReset: 0,
    endReason: 0,
    endedAt: 0,
  };
  /** Under other names in the row. */
  const WRITTEN = Object.fromEntries(
    [
      ...[
        "schemaVersion",
        "stepDownBy",
        "stepDownTo",
        "awaitedTerm",
        "acknowledgedTerm",
        "commitTerm",
        "commitNumber",
        "commitId",
        "releaseInMs",
        "releaseTo",
      ],
      ...["reservedForCandidate", "reservedForGroup", "reservedUntil", "reservedForMs"],
      ...[
        "tickFloor",
        "tickResetTerm",
        "tickResetBy",
        "tickResetAt",
        "tickResetId",
        "tickResetTo",
        "tickResetRevision",
      ],
    ].flatMap((name) => [
      [name, 0],
      [`previous${name.charAt(0).toUpperCase()}${name.slice(1)}`, 0],
    ]),
  );
  const TERM: Record<keyof TermRecord, 0> = {
    term: 0,
    holder: 0,
    leaseDurationMs: 0,
    electedAt: 0,
    endedAt: 0,
    endReason: 0,
    lastRenewedAt: 0,
    electedErrorMs: 0,
    lastRenewedErrorMs: 0,
    endedErrorMs: 0,
    lastTickBefore: 0,
    tickResetTermBefore: 0,
    lastTick: 0,
    tickReset: 0,
    ttl: 0,
  };
  const CANDIDATE: Record<keyof CandidateRow, 0> = {
    candidateId: 0,
    label: 0,
    arrival: 0,
    rank: 0,
    eligible: 0,
    group: 0,
    value: 0,
    heartbeat: 0,
    refreshIntervalMs: 0,
    partitions: 0,
    expiresAt: 0,
    ttl: 0,
  };
  const numbers = (row: object) =>
    Object.fromEntries(
      Object.entries(row).map(([name, n]) => [name, typeof n === "number" ? { N: `${n}` } : { S: n }]),
    );
  const read: Array<[string, Record<string, 0>, (item: never) => unknown]> = [
    ["lease", { ...LEASE, ...WRITTEN }, (item) => toLease("e", item)],
    ["lease of a foreign key", LEASE, (item) => toLease(CANARY, { ...(item as object), term: { S: "" } })],
    ["term", { ...TERM, sk: 0, schemaVersion: 0 }, (item) => toHistory("e", [item])],
    ["term, for people", { ...TERM, sk: 0, schemaVersion: 0 }, (item) => toTerm(item)],
    ["candidate", { ...CANDIDATE, schemaVersion: 0 }, (item) => toCandidate(item)],
  ];
  test.each(read)("%s", async (kind, attributes, parse) => {
    let refused = 0;
    for (const attribute of Object.keys(attributes)) {
      for (const value of values) {
        const row = { ...numbers(lease), sk: { S: "term#000000000001" }, [attribute]: value };
        const error = await errorOf(() => parse(row as never));
        if (error !== undefined) refused += 1;
        expectNoCanary(error);
      }
    }
    if (kind === "lease" || kind === "term") expect(refused).toBeGreaterThan(10);
  });
});

/** As the SDK rejects, with everything that it may bring along. */
function sdkError(name: string, message = `Value '${CANARY}' at 'x' failed: ${CANARY}`): Error {
  const error = Object.assign(new Error(message, { cause: new Error(CANARY) }), {
    name,
    $metadata: { httpStatusCode: 400, requestId: "5H1MRKO7QK3RB2V5B4NSO5AEMJ", attempts: 1, cfId: CANARY },
    CancellationReasons: [{ Code: "ValidationError", Message: CANARY, Item: { id: { S: CANARY } } }],
    Item: { id: { S: CANARY } },
  });
  const $response = { body: CANARY, headers: { "x-amz-security-token": CANARY } };
  return Object.defineProperty(error, "$response", { value: $response, enumerable: false });
}

const NAMES = [
  "ValidationException",
  "ResourceNotFoundException",
  "AccessDeniedException",
  "CredentialsProviderError",
  "InvalidSignatureException",
  "ThrottlingException",
  "TransactionCanceledException",
  "ConditionalCheckFailedException",
  "ProvisionedThroughputExceededException",
  CANARY,
];

describe("errors of the SDK", () => {
  const keys = "The provided key element does not match the schema";
  const rejections: Array<[string, unknown]> = [
    ...NAMES.map((name): [string, unknown] => [name, sdkError(name)]),
    ["a key schema", sdkError("ValidationException", `${keys}: ${CANARY}`)],
    ["no error at all", { message: CANARY }],
    ["a string", CANARY],
  ];
  test.each(rejections)(
    "%s: neither in the error, nor in its cause, nor in events",
    async (_name, rejection) => {
      const events: ElectionEvent[] = [];
      const client = { send: () => Promise.reject(rejection) };
      const election = new Election({ ...named, client, onEvent: (event) => events.push(event) });
      const stop = new AbortController();
      for (const start of [
        () => election.tryCampaign(),
        () => election.leader(),
        () => election.history(),
        () => election.candidates(),
        () => election.runOnce("2026-01-01", () => {}),
      ]) {
        const error = await errorOf(start);
        expect(error).toBeInstanceOf(IncumbentError);
        expectNoCanary(error);
      }
      const life = election.lead(() => {}, { signal: stop.signal });
      life.catch(() => {});
      await Promise.race([life.catch(() => {}), vi.waitUntil(() => events.length > 0, { timeout: 30_000 })]);
      stop.abort();
      await life.catch(() => {});
      expectNoCanary(events);
    },
  );

  test("of a transaction: neither in the error nor in its cause; the item that was asked for stays with its author", async () => {
    const client = newClient();
    const tableName = await newLeaseTable(client);
    const ledger = await newTable(client);
    let rejection: Error | undefined;
    const between = {
      send: (command: never, options: never) =>
        rejection && (command as object) instanceof TransactWriteItemsCommand
          ? Promise.reject(rejection)
          : client.send(command, options),
    };
    const election = new Election({ client: between, tableName, name: `e/${randomUUID()}` });
    await using leadership = await election.campaign();
    const put = { Put: { TableName: ledger, Item: { id: CANARY, note: CANARY } } };
    await leadership.transact([put]);
    for (const [name, code] of [
      ["ValidationException", "TRANSACTION_REFUSED"],
      ["ResourceNotFoundException", "TABLE_UNUSABLE"],
      ["AccessDeniedException", "TABLE_UNUSABLE"],
    ] as const) {
      rejection = sdkError(name);
      const error = await errorOf(() => leadership.transact([put]));
      expect(error).toMatchObject({
        code,
        cause: { name, $metadata: { httpStatusCode: 400 } },
      });
      expectNoCanary(error);
    }
    const $metadata = { httpStatusCode: 400 };
    const CancellationReasons = [
      { Code: "None" },
      { Code: "ValidationError", Message: `The parameter cannot be converted to a numeric value: ${CANARY}` },
    ];
    rejection = new TransactionCanceledException({ message: CANARY, $metadata, CancellationReasons });
    const quoted = await errorOf(() => leadership.transact([put]));
    expect(quoted).toMatchObject({
      code: "TRANSACTION_REFUSED",
      refusals: [{ message: "The parameter cannot be converted to a numeric value" }],
    });
    expectNoCanary(quoted);
    rejection = undefined;
    const again = { ...put.Put, ConditionExpression: "attribute_not_exists(id)" };
    const refusal = await errorOf(() =>
      leadership.transact([{ Put: { ...again, ReturnValuesOnConditionCheckFailure: "ALL_OLD" } }]),
    );
    expect(refusal).toMatchObject({ refusals: [{ item: { id: CANARY } }] });
    expectNoCanary((refusal as Error).message);
    expectNoCanary((refusal as Error).stack);
    expectNoCanary(await errorOf(() => leadership.transact([{ Put: again }])));
  });
});
