import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { DynamoDBClient, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { Election, FencedOutError, type Leadership, TransactionUnknownError } from "../index.js";
import { endWithCoordinator } from "./child.js";
import { Ledger } from "./ledger.js";
import type { FromWorker, ToWorker, WorkerConfig } from "./messages.js";
import type { Payment } from "./payments.js";

/**
 * A worker: it campaigns, and as leader makes the open payments. It does not know the scenes: the coordinator kills and
 * stops it from outside, and answers as the payment provider.
 */

/** When messages cannot be sent, the coordinator is dead, and this process ends too. */
const say = (message: FromWorker) => void process.send?.(message, () => {});

const TRUST_REPORT_MS = 100;
/** A worker that resigned lets others lead before it campaigns again. */
const LEASES_OFF = 2;

endWithCoordinator();

let onCleared = (_breakMs: number | undefined) => {};
let stop = new AbortController();

process.on("message", (message: ToWorker) => {
  if (message.type === "start") void live(message.config);
  else if (message.type === "resign") stop.abort();
  else onCleared(message.breakMs);
});
say({ type: "ready" });

async function live(config: WorkerConfig): Promise<void> {
  const wire = new Wire();
  const client = new DynamoDBClient(config.clientConfig);
  wire.carry(client);
  const ledger = new Ledger(client, config.ledgerTable);
  const election = new Election({
    client,
    tableName: config.leaseTable,
    name: "payments",
    label: config.label,
    leaseDurationMs: config.leaseMs,
    succession: config.succession,
    onEvent: (event) => {
      if (event.type === "ended") say(event);
    },
  });
  const work = (leadership: Leadership) => payAll(leadership, new Till(ledger, client, wire, config.fencing));
  try {
    for (;;) {
      await election.lead(work, { signal: stop.signal });
      stop = new AbortController();
      await delay(LEASES_OFF * config.leaseMs);
    }
  } catch (error) {
    say({ type: "failed", message: String(error) });
  }
}

async function payAll(leadership: Leadership, till: Till): Promise<void> {
  const { term, signal } = leadership;
  const reports = setInterval(() => {
    say({ type: "trust", term, remainingMs: leadership.remainingMs() });
  }, TRUST_REPORT_MS);
  try {
    let open = await till.ledger.open();
    say({ type: "elected", term, open: open.length });
    while (open.length > 0) {
      for (const payment of open) {
        if (signal.aborted) return;
        const breakMs = await clear(payment, leadership);
        if (signal.aborted) return;
        // This check is correct, but the freeze comes after it.
        leadership.throwIfLost();
        await till.pay(payment, leadership, breakMs);
      }
      open = await till.ledger.open();
    }
    say({ type: "finished", term });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  } finally {
    clearInterval(reports);
  }
}

/** Resolves with the provider's answer, or when the leadership ends: then there may be none. */
function clear(payment: Payment, { term, signal }: Leadership): Promise<number | undefined> {
  return new Promise((resolve) => {
    const onAbort = () => resolve(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    onCleared = (breakMs) => {
      signal.removeEventListener("abort", onAbort);
      resolve(breakMs);
    };
    say({ type: "clearing", term, payment });
  });
}

/** Writes payments, with the fence or without it. */
class Till {
  constructor(
    readonly ledger: Ledger,
    private readonly client: DynamoDBClient,
    private readonly wire: Wire,
    private readonly fencing: boolean,
  ) {}

  async pay(payment: Payment, leadership: Leadership, breakMs: number | undefined): Promise<void> {
    const { term } = leadership;
    const actions = this.ledger.applying(payment, term);
    if (breakMs !== undefined) this.wire.breakFor(breakMs, () => say({ type: "leaving", term, payment }));
    try {
      await (this.fencing ? leadership.transact(actions) : this.#payUnfenced(actions));
      say({ type: "paid", term, payment });
    } catch (error) {
      // Applied once or not at all: the next read of open payments shows it.
      if (error instanceof TransactionUnknownError) {
        say({ type: "unknown", term, payment, why: String(error.cause) });
        return;
      }
      if (error instanceof FencedOutError) {
        await this.ledger.recordRefusal(payment, term);
        say({ type: "refused", term, payment, currentTerm: error.currentTerm });
      }
      throw error;
    }
  }

  /** The same two updates in one transaction, with the same retries, but without a check of the leader. */
  async #payUnfenced(actions: ReturnType<Ledger["applying"]>): Promise<void> {
    const command = new TransactWriteItemsCommand({
      TransactItems: actions,
      ClientRequestToken: randomUUID(),
    });
    for (;;) {
      try {
        await this.client.send(command);
        return;
      } catch (error) {
        if (!(error instanceof BrokenConnectionError)) throw error;
        await delay(50);
      }
    }
  }
}

/** Less than the first wait between two tries, which is at least 25 ms. */
const TELL_BROKEN_AFTER_MS = 8;

class BrokenConnectionError extends Error {
  override readonly name = "BrokenConnectionError";
}

/**
 * A connection that can break. For a while transactions fail before they are sent, and are tried again. If the process is
 * stopped meanwhile, it later sends a write of a term that has ended.
 */
class Wire {
  #brokenUntilMs = 0;
  #onBroken = () => {};

  carry(client: DynamoDBClient): void {
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName !== "TransactWriteItemsCommand" || Date.now() >= this.#brokenUntilMs)
            return next(args);
          this.#onBroken();
          throw new BrokenConnectionError("connection reset");
        },
      // Before the SDK's own retries, which would hide the failure.
      { step: "build", name: "breakableWire" },
    );
  }

  breakFor(ms: number, onBroken: () => void): void {
    this.#brokenUntilMs = Date.now() + ms;
    this.#onBroken = () => {
      this.#onBroken = () => {};
      // Reported when the sender has got the error, and waits before it sends again.
      setTimeout(onBroken, TELL_BROKEN_AFTER_MS);
    };
  }
}
