import { setTimeout as delay } from "node:timers/promises";
import {
  type DynamoDBClient,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import {
  FencedOutError,
  type Leadership,
  LeaseLostError,
  TableError,
  TransactionRefusedError,
  TransactionUnknownError,
} from "../../src/index.js";
import type { Random } from "../simulation/random.js";
import type { Harness } from "./harness.js";
import type { Outcome } from "./history.js";
import type { WorkerConfig } from "./messages.js";
import { Register } from "./register.js";

const VIEW_EVERY_MS = 20;

/** What a leader does: counts the register up, and is sometimes slow to stop, or stops by itself. */
export class Work {
  /** Those that are still on their way. */
  staleWrites: Promise<void> = Promise.resolve();
  readonly #register: Register;
  #writes = 0;

  constructor(
    private readonly harness: Harness,
    /** The election's own, whose connection its fenced writes share. */
    private readonly client: DynamoDBClient,
    private readonly ownClient: DynamoDBClient,
    private readonly config: WorkerConfig,
    private readonly candidate: string,
    private readonly random: Random,
  ) {
    this.#register = new Register(config.register);
  }

  async lead(leadership: Leadership): Promise<void> {
    const { harness, random } = this;
    const { leaseMs, style } = this.config;
    const { term, signal } = leadership;
    const views = setInterval(() => this.#view(leadership), VIEW_EVERY_MS);
    this.#view(leadership);
    const drainMs = random.chance(style.slowToStop) ? leaseMs * random.between(0, 2) : 0;
    const enoughMs = random.chance(style.stopsByItself)
      ? leaseMs * random.between(0.3, 4)
      : Number.POSITIVE_INFINITY;
    const startMs = performance.now();
    let stopMs = Number.POSITIVE_INFINITY;
    const onAbort = () => {
      stopMs = performance.now() + drainMs;
      this.staleWrites = Promise.all([this.staleWrites, this.#writeStale(term)]).then(() => {});
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    try {
      while (performance.now() < stopMs && performance.now() - startMs < enoughMs) {
        await this.#count(leadership);
        // Once it is lost there is little to see in more refusals.
        await delay(leadership.remainingMs() > 0 ? random.between(...style.pauseMs) : 200);
        if (signal.aborted && drainMs === 0) break;
      }
    } finally {
      clearInterval(views);
      harness.tell({ type: "workDone", term });
    }
  }

  /** Asked by the leader, so after its election; and the clocks are read when the answer is there. */
  #view(leadership: Leadership): void {
    this.harness.ask((asked) => {
      const trusted = leadership.remainingMs() > 0;
      this.harness.tell({ type: "view", term: leadership.term, asked, trusted });
    });
  }

  /** One more, or two at once: the second waits for the first within `transact`. */
  async #count(leadership: Leadership): Promise<void> {
    const patience = AbortSignal.timeout(this.config.leaseMs / 4);
    const count = await this.#register.count(this.ownClient, patience).catch(() => undefined);
    if (count === undefined) return;
    const writes = this.random.chance(0.2) ? 2 : 1;
    await Promise.all(Array.from({ length: writes }, () => this.#write(leadership, count)));
  }

  async #write(leadership: Leadership, count: number): Promise<void> {
    const { term } = leadership;
    const doomed = this.random.chance(this.config.style.doomed);
    const write = this.#begin(term, false);
    try {
      await leadership.transact(
        this.#register.countOne(count, { write, candidate: this.candidate, term }, doomed),
      );
      this.harness.tell({ type: "outcome", write, outcome: "accepted" });
    } catch (error) {
      this.harness.tell({ type: "outcome", write, outcome: outcomeOf(error), why: String(error) });
    }
  }

  /**
   * What no leader should do: it knows that it lost, and sends a write of its old term all the same, under the
   * check that `transact` makes. If nobody has come after it yet, the table may take it.
   */
  async #writeStale(term: number): Promise<void> {
    const { random, config } = this;
    for (let more = random.integer(0, 3); more > 0; more--) {
      await delay(config.leaseMs * random.between(0, 1));
      await this.#writeStaleOnce(term);
    }
  }

  async #writeStaleOnce(term: number): Promise<void> {
    const { harness, config } = this;
    // A fresh answer, so that it is known which terms there were before.
    await harness.time();
    const write = this.#begin(term, true);
    const check = {
      TableName: config.leaseTable,
      Key: { pk: { S: config.election }, sk: { S: "lease" } },
      ConditionExpression: "#holder = :holder AND #term = :term",
      ExpressionAttributeNames: { "#holder": "holder", "#term": "term" },
      ExpressionAttributeValues: { ":holder": { S: this.candidate }, ":term": { N: String(term) } },
    };
    const put = this.#register.letThrough(this.#writes, { write, candidate: this.candidate, term });
    try {
      await this.client.send(
        new TransactWriteItemsCommand({ TransactItems: [{ ConditionCheck: check }, put] }),
        { abortSignal: AbortSignal.timeout(config.leaseMs) },
      );
      harness.tell({ type: "outcome", write, outcome: "accepted" });
    } catch (error) {
      const refused =
        error instanceof TransactionCanceledException &&
        error.CancellationReasons?.[0]?.Code === "ConditionalCheckFailed";
      harness.tell({ type: "outcome", write, outcome: refused ? "fenced" : "unknown", why: String(error) });
    }
  }

  #begin(term: number, stale: boolean): string {
    const write = `${this.candidate}/${++this.#writes}`;
    this.harness.tell({ type: "write", term, write, stale, since: this.harness.lastAnswer });
    return write;
  }
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof FencedOutError) return "fenced";
  if (error instanceof TransactionRefusedError || error instanceof TableError) return "refused";
  if (error instanceof LeaseLostError) return "notSent";
  if (error instanceof TransactionUnknownError) return "unknown";
  throw error;
}
