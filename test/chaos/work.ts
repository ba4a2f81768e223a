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
import { type LoggedWrite, Register, registerOf } from "./register.js";

/** As whom and where it leads. `election`: left out, the one for which all workers stand. */
export interface Post {
  readonly candidate: string;
  readonly election?: string;
}

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
    private readonly config: Pick<WorkerConfig, "leaseTable" | "leaseMs" | "style" | "register" | "election">,
    private readonly post: Post,
    private readonly random: Random,
  ) {
    this.#register = new Register(registerOf(config.register, post.election));
  }

  async lead(leadership: Leadership): Promise<void> {
    const { harness, random } = this;
    const { leaseMs, style } = this.config;
    const { viewEveryMs = 20 } = style;
    const { term, signal } = leadership;
    const views = setInterval(() => this.#view(leadership), viewEveryMs);
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
      harness.tell({ type: "workDone", term, ...this.post });
    }
  }

  /** Asked by the leader, so after its election; and the clocks are read when the answer is there. */
  #view(leadership: Leadership): void {
    this.harness.ask((asked) => {
      const trusted = leadership.remainingMs() > 0;
      this.harness.tell({ type: "view", term: leadership.term, asked, trusted, ...this.post });
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
      await leadership.transact(this.#register.countOne(count, this.#logged(write, term), doomed));
      this.#tellOutcome(write, "accepted");
    } catch (error) {
      this.#tellOutcome(write, outcomeOf(error), String(error));
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
      Key: { pk: { S: this.post.election ?? config.election }, sk: { S: "lease" } },
      ConditionExpression: "#holder = :holder AND #term = :term",
      ExpressionAttributeNames: { "#holder": "holder", "#term": "term" },
      ExpressionAttributeValues: { ":holder": { S: this.post.candidate }, ":term": { N: String(term) } },
    };
    const put = this.#register.letThrough(this.#writes, this.#logged(write, term));
    try {
      await this.client.send(
        new TransactWriteItemsCommand({ TransactItems: [{ ConditionCheck: check }, put] }),
        { abortSignal: AbortSignal.timeout(config.leaseMs) },
      );
      this.#tellOutcome(write, "accepted");
    } catch (error) {
      const refused =
        error instanceof TransactionCanceledException &&
        error.CancellationReasons?.[0]?.Code === "ConditionalCheckFailed";
      this.#tellOutcome(write, refused ? "fenced" : "unknown", String(error));
    }
  }

  #begin(term: number, stale: boolean): string {
    const write = `${this.post.candidate}/${++this.#writes}`;
    this.harness.tell({ type: "write", term, write, stale, since: this.harness.lastAnswer, ...this.post });
    return write;
  }

  #logged(write: string, term: number): LoggedWrite {
    return { write, candidate: this.post.candidate, term };
  }

  #tellOutcome(write: string, outcome: Outcome, why?: string): void {
    this.harness.tell({ type: "outcome", write, outcome, ...(why !== undefined && { why }), ...this.post });
  }
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof FencedOutError) return "fenced";
  if (error instanceof TransactionRefusedError || error instanceof TableError) return "refused";
  if (error instanceof LeaseLostError) return "notSent";
  if (error instanceof TransactionUnknownError) return "unknown";
  throw error;
}
