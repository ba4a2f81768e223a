import { setTimeout as delay } from "node:timers/promises";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, Operator } from "../../src/index.js";
import { ROW_LEASES } from "../../src/protocol/sessions.js";
import { createLeaseTable } from "../../src/testing/index.js";
import { Crew, ELECTION, LEASES, OTHERS, REGISTER, UNDER_SESSION } from "./crew.js";
import type { HistoryEvent } from "./history.js";
import { Mischief } from "./mischief.js";
import { Register, registerOf } from "./register.js";
import type { Schedule } from "./schedule.js";
import type { SkewEnv } from "./skewed-clocks.js";
import { Table } from "./table.js";
import { Wires } from "./wire.js";

export interface Suffered {
  kills: number;
  /** Of companions alone. */
  companionKills: number;
  /** Event loops that did not turn for a while. */
  blocks: number;
  freezes: number;
  partitions: number;
  /** Of the table. */
  restarts: number;
  /** Lives begun with other clocks than the machine's. */
  skews: number;
  /** Requests that got an error for an answer: throttled, conflict, or the server's fault. */
  throttles: number;
  /** Of those: transactions refused as a request, and those that met another write of a user's item. */
  denied: number;
  conflicts: number;
  halfOpen: number;
  /** Of `Date` headers, on wires to workers whose wall clock is right: for less than a lease, for longer, none at all. */
  lies: number;
  steps: number;
  missing: number;
  evictions: number;
}

export interface TortureOptions {
  readonly seed: number;
  readonly schedule: Schedule;
  readonly skewEnv: SkewEnv | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (leftMs: number, what: string) => void;
}

/** In leases. Generous: other processes share the machine. */
const LEAD_AGAIN_WITHIN = 10;
const END_WITHIN = 5;
const SEEN_LATELY_MS = 200;
const WAIT_FOR_LEADER = 1.5;
/** As many as can be asked for: the terms of hours. */
const MOST_TERMS = 10_000;

/** One run, from the start of the table to its last word. Rejects with the signal's reason when it aborts. */
export async function torture(options: TortureOptions): Promise<{
  history: readonly HistoryEvent[];
  suffered: Suffered;
}> {
  const { seed, schedule, skewEnv, signal, onProgress } = options;
  const { leaseMs, firstClocks } = schedule;
  const startMs = performance.now();
  const now = () => Math.round((performance.now() - startMs) * 1_000) / 1_000;
  const history: HistoryEvent[] = [{ type: "run", at: 0, seed, leaseMs, elections: OTHERS }];
  onProgress(schedule.endMs, "the table starts");

  await using table = await Table.start();
  const client = table.newClient();
  await createLeaseTable(client, LEASES);
  await createLeaseTable(client, REGISTER.tableName);
  await using wires = await Wires.open(table.endpoint, seed, leaseMs, firstClocks.length);
  await using crew = new Crew(wires.all, schedule, seed, skewEnv, now, (event) => history.push(event));
  onProgress(schedule.endMs, "the workers start");
  firstClocks.forEach((clock, i) => void crew.start(i, clock));

  const operators = [ELECTION, ...OTHERS].map((name) => new Operator({ client, tableName: LEASES, name }));
  const mischief = new Mischief(crew, wires.all, table, leaseMs, operators, (kind, what) => {
    history.push({ type: "fault", at: now(), kind, what });
  });
  // Before there is a leader there is little to break.
  await led(crew, now() + LEAD_AGAIN_WITHIN * leaseMs, now, signal);
  const endAt = now() + schedule.endMs;
  let beginAt = now();
  for (const fault of schedule.faults) {
    await delay(Math.max(0, Math.min(beginAt + fault.atMs, endAt) - now()), undefined, { signal });
    if ("target" in fault && fault.target === "leader") {
      const waitedFrom = now();
      await led(crew, Math.min(endAt, now() + WAIT_FOR_LEADER * leaseMs), now, signal);
      beginAt += now() - waitedFrom;
    }
    if (now() >= endAt) break;
    onProgress(endAt - now(), mischief.commit(fault));
  }
  await delay(Math.max(0, endAt - now()), undefined, { signal });

  onProgress(0, "all is mended; somebody must lead, and hold each lease");
  await mischief.end();
  const calmAt = now();
  // Who was evicted from under a session, and has died since, is waited for as long as its row lasts.
  const boundMsOf = (election?: string) =>
    (LEAD_AGAIN_WITHIN + (UNDER_SESSION.includes(election ?? "") ? ROW_LEASES : 0)) * leaseMs;
  for (const election of [undefined, ...OTHERS])
    history.push({ type: "calm", at: calmAt, election, boundMs: boundMsOf(election) });
  const isLed = (election?: string) => crew.lastTrusted(election) > calmAt;
  const isOver = (election?: string) => isLed(election) || now() > calmAt + boundMsOf(election);
  while (![undefined, ...OTHERS].every(isOver)) await delay(20, undefined, { signal });

  onProgress(0, "all resign; the table is read");
  await crew.resign(END_WITHIN * leaseMs);
  const skews = crew.skews;
  const sum = (count: "errorsGiven" | "denied" | "conflicts") =>
    wires.all.reduce((total, wire) => total + wire[count], 0);
  const [throttles, denied, conflicts] = [sum("errorsGiven"), sum("denied"), sum("conflicts")];
  await wires[Symbol.asyncDispose]();
  // What is still under way to the table ends with it, and what it has kept is what counts.
  await table.restart([]);
  for (const election of [undefined, ...OTHERS]) {
    const register = new Register(registerOf(REGISTER, election));
    const candidates = crew.candidates.filter(({ elections }) =>
      election === undefined ? elections === undefined : elections?.includes(election),
    );
    const logs = ["accepted" as const, ...candidates.map(({ candidate }) => `stale ${candidate}` as const)];
    for (const log of logs) {
      const lines = await register.log(client, log);
      const of = { type: "landed" as const, election, at: now(), stale: log !== "accepted" };
      history.push(...lines.map((line, i) => ({ ...of, n: i + 1, ...line })));
    }
    for (const ended of await crashedTerms(client, election ?? ELECTION))
      history.push({ type: "willed", at: now(), election, ...ended });
    history.push({ type: "register", at: now(), election, n: await register.count(client) });
  }
  return { history, suffered: { ...mischief.done, skews, throttles, denied, conflicts } };
}

/** The terms that a last will has ended. */
async function crashedTerms(
  client: DynamoDBClient,
  name: string,
): Promise<Array<{ candidate: string; term: number }>> {
  const election = new Election({ client, tableName: LEASES, name, onEvent: () => {} });
  const terms = await election.history({ limit: MOST_TERMS });
  return terms.flatMap(({ term, candidateId: candidate, endReason }) =>
    endReason === "crashed" && candidate !== undefined ? { candidate, term } : [],
  );
}

/** Until somebody leads, as far as is known at `until`. */
async function led(crew: Crew, until: number, now: () => number, signal: AbortSignal): Promise<void> {
  while (now() < until && (crew.leader === undefined || now() - crew.lastTrusted() > SEEN_LATELY_MS))
    await delay(20, undefined, { signal });
}
