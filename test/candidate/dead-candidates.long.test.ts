import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Election, type ElectionOptions, type Succession } from "../../src/index.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import { eventually, leaseRow, newClient, newLeaseTable } from "../support/fixture.js";

/** A fleet whose processes die and are started again, and two of them that live. On the real table. */

const LEASE_MS = 3_000;
const RESTARTS = 1_000;
const client = newClient();

/** Rows as those left them who died an hour ago. A query that goes from the highest key down meets them first. */
async function bury(tableName: string, name: string): Promise<void> {
  const store = dynamoDBLeaseStore(client, tableName);
  const signal = new AbortController().signal;
  const expiresAt = Date.now() - 3_600_000;
  const dead = {
    label: "dead",
    rank: 99,
    eligible: true,
    heartbeat: 7,
    refreshIntervalMs: LEASE_MS,
    expiresAt,
  };
  const ids = Array.from({ length: RESTARTS }, (_, i) => `~dead-${i}`);
  const worker = async () => {
    for (let candidateId = ids.pop(); candidateId !== undefined; candidateId = ids.pop())
      await store.writeCandidate(name, { ...dead, candidateId, arrival: ids.length + 1 }, signal);
  };
  await Promise.all(Array.from({ length: 9 }, worker));
}

class Life {
  readonly election: Election;
  readonly terms: number[] = [];
  readonly reasons: string[] = [];
  readonly #stop = new AbortController();
  readonly #over: Promise<unknown>;

  constructor(options: ElectionOptions) {
    this.election = new Election(options);
    this.#over = this.election.lead(
      async ({ term, signal }) => {
        this.terms.push(term);
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        this.reasons.push(String((signal.reason as { reason?: string }).reason));
      },
      { signal: this.#stop.signal },
    );
  }

  get id(): string {
    return this.election.candidateId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#over;
  }
}

describe(`${RESTARTS} candidates that died do not hide two that live`, () => {
  test.each<[string, (rank: number) => Succession]>([
    ["order arrival", () => "arrival"],
    ["order rank, preempted", (rank) => ({ order: "rank", rank, preempt: true })],
  ])("%s: line, standby and hand-over", async (what, succession) => {
    const tableName = await newLeaseTable(client);
    const name = `e/${randomUUID()}`;
    await bury(tableName, name);
    const join = (label: string, rank: number) =>
      new Life({ client, tableName, name, label, leaseDurationMs: LEASE_MS, succession: succession(rank) });
    await using first = join("m-first", 1);
    await eventually(() => first.terms.length > 0);
    await using second = join("n-second", 2);
    // With more time for a request than a short lease has.
    const view = new Election({ client, tableName, name });
    const shown = async () => {
      const { candidateId, standby } = (await view.leader()) ?? {};
      const { line } = (await leaseRow(client, tableName, name)) ?? {};
      return JSON.stringify([candidateId, standby, line?.L?.map(({ S }) => S)]);
    };
    const leads = (leader: Life, next: Life) => JSON.stringify([leader.id, next.id, [next.id]]);
    if (what.endsWith("preempted")) {
      await eventually(() => first.reasons.includes("preempted"));
      await eventually(async () => (await shown()) === leads(second, first));
    } else {
      await eventually(async () => (await shown()) === leads(first, second));
    }
    expect((await view.candidates()).map(({ candidateId }) => candidateId)).toEqual([first.id, second.id]);
  });
});
