import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from "node:worker_threads";
import { type Instant, readClock, systemClock } from "../clock.js";
import type { AnswerReader } from "../store/lease-store.js";
import type { HttpAnswer } from "../store/signed-request.js";
import { startThread } from "../worker-threads.js";
import { THREAD_PROGRAM } from "./program.js";
import type { StandIn, StandInLane, StandInPlan, StandInReport, StandInTenure } from "./sender.js";

/** A thread that ends is replaced at once. One that keeps ending must not take the processor, so the next waits longer. */
const MIN_RESTART_MS = 1_000;
const MAX_RESTART_MS = 60_000;
const MIN_PULSE_MS = 10;

/** What the thread posts. Its times are those of `process.hrtime`, in milliseconds. */
interface Posted {
  readonly id: number;
  readonly standIn: number;
  readonly sent: ThreadInstant;
  readonly received: ThreadInstant;
  readonly answer: HttpAnswer;
}

type ThreadInstant = Pick<Instant, "monotonicMs" | "wallMs">;

/**
 * The one thread of this process that sends stand-ins (rule 12). It knows by `times[0]` when the event loop last turned.
 * Its reports wait in a port that can be read in the middle of a synchronous step, so that trust is computed from them at
 * the call.
 */
export class HeartbeatThread {
  readonly #times = new BigInt64Array(new SharedArrayBuffer(16));
  readonly #lanes = new Map<number, Lane>();
  #lastId = 0;
  #worker: Worker | undefined;
  #port: MessagePort | undefined;
  #startedMs = Number.NEGATIVE_INFINITY;
  #restartMs = 0;
  #cancelPulse = () => {};
  #turnedMs = 0;
  /** How many reports were taken from the port. */
  #taken = 0n;

  open(tenure: StandInTenure, answers: AnswerReader): StandInLane {
    this.#lastId += 1;
    const lane = new Lane(this.#lastId, tenure, answers, {
      post: (message) => this.#port?.postMessage(message),
      collect: () => this.#collect(),
      closed: (id) => {
        this.#lanes.delete(id);
        this.#setPulse();
      },
    });
    this.#lanes.set(lane.id, lane);
    if (this.#port) lane.tellAll();
    else this.#start();
    this.#setPulse();
    return lane;
  }

  /** For tests: the thread ends, as if something had killed it. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): void {
    const ranMs = systemClock.monotonicMs() - this.#startedMs;
    if (this.#port || ranMs < this.#restartMs) return;
    this.#restartMs =
      ranMs > MAX_RESTART_MS
        ? MIN_RESTART_MS
        : Math.min(MAX_RESTART_MS, 2 * this.#restartMs + MIN_RESTART_MS);
    this.#startedMs = systemClock.monotonicMs();
    const { port1, port2 } = new MessageChannel();
    try {
      const workerData = { port: port2, times: this.#times };
      const name = "incumbent-heartbeat";
      const worker = startThread(THREAD_PROGRAM, { name, workerData, transferList: [port2] });
      let cause: unknown = new Error("the heartbeat thread has ended");
      worker.on("error", (error) => {
        cause = error;
      });
      worker.on("exit", () => this.#ended(worker, cause));
      worker.unref();
      port1.unref();
      this.#worker = worker;
      this.#port = port1;
    } catch (error) {
      port1.close();
      for (const lane of this.#lanes.values()) lane.tenure.onFailure(error);
      return;
    }
    for (const lane of this.#lanes.values()) lane.tellAll();
  }

  #ended(worker: Worker, cause: unknown): void {
    if (worker !== this.#worker) return;
    this.#collect();
    this.#port?.close();
    this.#port = undefined;
    this.#worker = undefined;
    for (const lane of this.#lanes.values()) lane.tenure.onFailure(cause);
    this.#start();
  }

  /** Sorts what the thread has posted into the lanes. One look at a counter if that is nothing. */
  #collect(): void {
    if (this.#port === undefined || Atomics.load(this.#times, 1) === this.#taken) return;
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
      this.#taken += 1n;
      const posted = next.message as Posted;
      this.#lanes.get(posted.id)?.received(posted);
    }
  }

  /** The pulse shows the thread that the event loop turns. */
  #setPulse(): void {
    this.#cancelPulse();
    if (this.#lanes.size === 0) return;
    this.#turned();
    const graces = [...this.#lanes.values()].map(({ tenure }) => tenure.graceMs);
    const everyMs = Math.max(MIN_PULSE_MS, Math.min(...graces) / 4);
    const beat = () => {
      this.#cancelPulse = systemClock.setTimer(everyMs, beat);
      this.#beat();
    };
    this.#cancelPulse = systemClock.setTimer(everyMs, beat);
  }

  /** Returns for how long the event loop had not turned. */
  #turned(): number {
    const before = this.#turnedMs;
    this.#turnedMs = systemClock.monotonicMs();
    Atomics.store(this.#times, 0, process.hrtime.bigint());
    return this.#turnedMs - before;
  }

  #beat(): void {
    const blockedMs = this.#turned();
    this.#start();
    for (const { tenure } of [...this.#lanes.values()]) {
      tenure.onTurn();
      if (blockedMs > tenure.graceMs) tenure.onStall(blockedMs);
    }
  }
}

interface Thread {
  post(message: object): void;
  collect(): void;
  closed(id: number): void;
}

/** The stand-ins of one tenure. It remembers what it has told the thread, for the one that replaces it. */
class Lane implements StandInLane {
  #plan: StandInPlan | undefined;
  #untilMs = Number.POSITIVE_INFINITY;
  readonly #reports: StandInReport[] = [];

  constructor(
    readonly id: number,
    readonly tenure: StandInTenure,
    private readonly answers: AnswerReader,
    private readonly thread: Thread,
  ) {}

  tellAll(): void {
    const { candidateId, term, graceMs } = this.tenure;
    this.thread.post({ id: this.id, open: { id: this.id, candidateId, term, graceMs } });
    if (this.#plan) this.replace(this.#plan);
    this.sendUntil(this.#untilMs);
  }

  replace(plan: StandInPlan): void {
    this.#plan = plan;
    const { trustMs, timeoutMs } = plan;
    const offsetMs = this.#offsetMs();
    const standIns = plan.standIns.map((standIn: StandIn) => ({
      ...standIn,
      planned: threadInstant(standIn.planned, offsetMs),
    }));
    const trustedFrom = threadInstant(plan.trustedFrom, offsetMs);
    this.thread.post({ id: this.id, plan: { standIns, trustedFrom, trustMs, timeoutMs } });
  }

  sendUntil(byMs: number): void {
    this.#untilMs = byMs;
    this.thread.post({ id: this.id, untilMs: byMs - this.#offsetMs() });
  }

  take(): StandInReport | undefined {
    this.thread.collect();
    return this.#reports.shift();
  }

  /** No moment of the thread becomes a later one here when it left, and no earlier one when its answer came. */
  received({ standIn, sent, received, answer }: Posted): void {
    const before = threadNowMs();
    const now = readClock(this.tenure.clock);
    const after = threadNowMs();
    this.#reports.push({
      id: standIn,
      sent: { ...now, ...sent, monotonicMs: sent.monotonicMs + now.monotonicMs - after },
      received: { ...now, ...received, monotonicMs: received.monotonicMs + now.monotonicMs - before },
      written: () => this.answers.written(this.tenure.election, answer),
    });
  }

  close(): void {
    this.thread.post({ id: this.id, close: true });
    this.thread.closed(this.id);
  }

  /** What the clock of the tenure shows more than `process.hrtime`, which all threads share. */
  #offsetMs(): number {
    return readClock(this.tenure.clock).monotonicMs - threadNowMs();
  }
}

function threadNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function threadInstant({ monotonicMs, wallMs }: Instant, offsetMs: number): ThreadInstant {
  return { monotonicMs: monotonicMs - offsetMs, wallMs };
}

/** Of this process. */
export const heartbeatThread = new HeartbeatThread();
