import { setTimeout as delay } from "node:timers/promises";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Clock } from "../../src/clock.js";
import { ManualClock } from "../../src/testing/index.js";
import type { FaultProxy } from "./fault-proxy.js";

/** Tells which call of a client a request belongs to, and so do the SDK's retries of it. */
const CALL = "x-call";
const MAX_WAIT_MS = 600_000;

/**
 * Staged time for candidates on a real table behind a fault proxy. It stands still while anybody waits for an answer
 * that nothing holds back, and passes by itself when only time is left to wait for. So a request times out only if
 * a fault holds it, and a lease runs out only if it is not renewed, however slow the machine is.
 */
export class WireTime implements AsyncDisposable {
  readonly #time = new ManualClock(Date.now());
  /** Of all clients, those that wait for their answers. */
  readonly #calls = new Set<string>();
  #lastCall = 0;
  /** Asked after each millisecond. */
  readonly #waiting = new Set<() => void>();
  #stopped = false;
  readonly #passed: Promise<void>;

  constructor(private readonly proxy: FaultProxy) {
    proxy.rewriteDate = () => new Date(this.#time.wallMs()).toUTCString();
    this.#passed = this.#pass();
  }

  /** Milliseconds since the start. */
  get nowMs(): number {
    return this.#time.monotonicMs();
  }

  get pendingTimers(): number {
    return this.#time.pendingTimers;
  }

  /** The clocks of one host. `offWallMs` sets its wall clock wrong. */
  clock(): Clock & { offWallMs: number } {
    const time = this.#time;
    return {
      offWallMs: 0,
      monotonicMs: () => time.monotonicMs(),
      wallMs() {
        return time.wallMs() + this.offWallMs;
      },
      setTimer: (ms, callback) => time.setTimer(ms, callback),
    };
  }

  /** From now on time waits for the calls of this client. */
  watch(client: DynamoDBClient): DynamoDBClient {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const call = String(++this.#lastCall);
        context[CALL] = call;
        this.#calls.add(call);
        try {
          return await next(args);
        } finally {
          this.#calls.delete(call);
        }
      },
      { step: "initialize", priority: "high" },
    );
    client.middlewareStack.add(
      (next, context) => (args) => {
        (args.request as { headers: Record<string, string> }).headers[CALL] = context[CALL];
        return next(args);
      },
      { step: "build" },
    );
    return client;
  }

  /** Resolves after `ms`. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#time.setTimer(ms, resolve));
  }

  /** Resolves as soon as it is so. */
  until(condition: () => boolean): Promise<void> {
    const untilMs = this.nowMs + MAX_WAIT_MS;
    return new Promise((resolve, reject) => {
      const look = () => {
        if (condition()) resolve();
        else if (this.nowMs >= untilMs) reject(new Error(`not so within ${MAX_WAIT_MS} ms: ${condition}`));
        else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#passed;
  }

  async #pass(): Promise<void> {
    while (!this.#stopped) {
      if (this.#onlyTimeIsLeft) await this.#time.advance(1);
      else await delay(1);
      for (const look of [...this.#waiting]) look();
    }
  }

  get #onlyTimeIsLeft(): boolean {
    if (this.proxy.working > 0) return false;
    if (this.#calls.size === 0) return true;
    const held = new Set([...this.proxy.held].map(({ headers }) => headers[CALL]));
    return [...this.#calls].every((call) => held.has(call));
  }
}
