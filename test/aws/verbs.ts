import { randomUUID } from "node:crypto";
import type { Lease } from "../../src/protocol/lease.js";
import type { Transacted, Written } from "../../src/protocol/verbs.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import { toAction } from "../../src/store/transaction.js";
import { figureOf } from "./figures.js";
import { type PartResult, result, type Stage } from "./part.js";

const PART = "verbs";
const REVISION = 1_000;
const LEASE = { leaseDurationMs: 15_000, renewIntervalMs: 5_000 };

/** Times by verb, and what an answer was that should have been another one. */
interface Seen {
  readonly tookMs: Map<string, number[]>;
  readonly wrong: Map<string, number>;
}

/**
 * The client's own requests, one after the other, in a fixed order: what they take, and whether DynamoDB answers as the
 * client reads it. Each life is that of an election of its own.
 */
export async function verbs(stage: Stage): Promise<PartResult> {
  const { pace, signal, progress } = stage;
  const seen: Seen = { tookMs: new Map(), wrong: new Map() };
  const startMs = performance.now();
  let cycles = 0;
  while (cycles < pace.cycles && (cycles === 0 || performance.now() - startMs < pace.cyclesWithinMs)) {
    signal.throwIfAborted();
    progress(`life ${cycles + 1} of ${pace.cycles}`);
    await life(stage, `${stage.prefix}verbs-${++cycles}`, seen);
  }
  const violations = [...seen.wrong].map(([what, times]) => `${what} (${times} of ${cycles} times).`);
  const figures = [...seen.tookMs].map(([verb, tookMs]) => figureOf(verb, tookMs));
  return result(PART, `${cycles} lives of an election, one request after the other.`, violations, {
    figures,
  });
}

async function life(
  { client, tableName, signal, transactions }: Stage,
  election: string,
  seen: Seen,
): Promise<void> {
  const store = dynamoDBLeaseStore(client, tableName);
  const mine = { election, candidateId: "one" };
  const expect = (holds: boolean, otherwise: string) => {
    if (!holds) seen.wrong.set(otherwise, (seen.wrong.get(otherwise) ?? 0) + 1);
  };
  const timed = async <T>(verb: string, request: Promise<T>): Promise<T> => {
    const startMs = performance.now();
    const answer = await request;
    const tookMs = seen.tookMs.get(verb) ?? [];
    seen.tookMs.set(verb, [...tookMs, performance.now() - startMs]);
    return answer;
  };
  const done = async (verb: string, request: Promise<Written>): Promise<Lease | undefined> => {
    const answer = await timed(verb, request);
    expect(answer.done, `"${verb}" was refused, though its condition held`);
    return answer.lease;
  };
  const refused = async (verb: string, request: Promise<Written>): Promise<void> => {
    const answer = await timed(verb, request);
    expect(!answer.done, `"${verb}" was written, though its condition did not hold`);
    expect(answer.lease !== undefined, `"${verb}" did not return the row`);
  };
  const committed = (commit: number, term: number, actions: object[]): Promise<Transacted> =>
    store.transact(
      {
        ...{ ...mine, term, commit: { number: commit, id: randomUUID() } },
        actions: (actions as Parameters<typeof toAction>[0][]).map(toAction),
      },
      signal,
    );
  const item = { TableName: tableName, Item: { pk: { S: `${election}#item` }, sk: { S: "1" } } };
  const at = () => Date.now();
  const acquiring = () => ({
    ...mine,
    ...LEASE,
    attemptId: randomUUID(),
    value: undefined,
    expiresAt: at(),
    at: at(),
  });
  const renewing = (revision: number, term = 1) => ({
    ...{ ...mine, term, revision, renewIntervalMs: LEASE.renewIntervalMs },
    ...{ value: undefined, expiresAt: at(), at: at() },
  });

  await done(
    "create placeholder",
    store.createPlaceholder({ election, revision: REVISION, ...LEASE }, signal),
  );
  await timed("read history", store.readHistory(election, signal));
  const founding = { term: 0, revision: REVISION, founding: { highestTerm: 0 } };
  await done(
    transactions ? "found (transaction)" : "found, in steps",
    store.acquire({ ...acquiring(), basis: founding, term: 1 }, signal),
  );
  await timed("record term", store.recordTerm(election, { term: 1, holder: "one" }, signal));
  const read = await timed("read, consistent", store.read(election, { consistent: true }, signal));
  expect(read.lease?.term === 1, "a consistent read did not show the write before it");
  await timed("read, eventually consistent", store.read(election, { consistent: false }, signal));

  let revision = read.lease?.revision ?? 0;
  for (let i = 0; i < 3; i++) await done("renew", store.renew(renewing(++revision), signal));
  await refused("renew, refused", store.renew(renewing(revision), signal));
  if (transactions) {
    const transacted = await timed("transact, 1 item", committed(1, 1, [{ Put: item }]));
    expect(transacted.done, "a fenced transaction of the holder was refused");
    const repeated = await timed("transact, refused", committed(1, 1, [{ Put: item }]));
    expect(!repeated.done, "a second transaction with the same number was written");
    expect(
      !repeated.done && repeated.fenced && repeated.lease !== undefined,
      "a refused transaction did not return the lease row",
    );
    await done(
      "close a number",
      store.transact({ ...mine, term: 1, commit: { number: 2, id: "x" }, actions: [] }, signal) as never,
    );
  }

  const { arrival } = await timed("draw arrival", store.drawArrival(election, signal));
  expect(arrival === 1, "the counter of candidates did not begin at 1");
  const candidate = {
    candidateId: "one",
    label: "one",
    arrival,
    rank: 0,
    eligible: true,
    heartbeat: 1,
    refreshIntervalMs: 1,
  };
  await timed("write candidate", store.writeCandidate(election, candidate, signal));
  const { candidates } = await timed("read candidates", store.readCandidates(election, signal));
  expect(candidates.length === 1, "a consistent query did not show the write before it");
  await timed("delete candidate", store.deleteCandidate(election, candidate, signal));

  await done("mark awaited", store.markAwaited({ election, term: 1 }, signal));
  await done("request step-down", store.requestStepDown({ election, term: 1, by: "verify" }, signal));
  let row = await done("pause", store.pause({ election, by: "verify", seen: read.lease as Lease }, signal));
  row = await done("resume", store.pause({ election, by: undefined, seen: row as Lease }, signal));
  const resigning = { ...mine, term: 1, revision: ++revision, reason: "resigned" as const, at: at() };
  row = await done("resign", store.resign({ ...resigning, ticks: { completed: ["1"] } }, signal));
  if (row?.kind === "vacant") {
    const reset = { election, seen: row, by: "verify", at: at(), id: randomUUID(), to: undefined };
    row = await done("reset ticks", store.resetTicks(reset, signal));
  }
  const basis = { term: 1, revision: row?.revision ?? 0, previousTerm: 1 };
  await done("acquire", store.acquire({ ...acquiring(), basis, term: 2 }, signal));
  await refused("acquire, refused", store.acquire({ ...acquiring(), basis, term: 2 }, signal));
  await done("evict", store.evict({ election, term: 2, at: at() }, signal));
  await timed("read terms", store.readTerms(election, { limit: 10 }, signal));
}
