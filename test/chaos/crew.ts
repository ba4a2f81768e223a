import { Life } from "./fleet.js";
import type { HistoryEvent } from "./history.js";
import type { FromWorker, WorkStyle } from "./messages.js";
import type { ClockSkew, Schedule } from "./schedule.js";
import type { SkewEnv } from "./skewed-clocks.js";
import type { Wire } from "./wire.js";

export const LEASES = "chaos-leases";
export const ELECTION = "chaos/register";
export const REGISTER = { tableName: "chaos-log", prefix: "", linesAPage: 500 } as const;
export const GROUP = { name: "chaos/shards", count: 3 } as const;
export const UNDER_SESSION: readonly string[] = ["chaos/under/a", "chaos/under/b"];
/** All others than the one that all workers stand for. */
export const OTHERS: readonly string[] = [
  ...Array.from({ length: GROUP.count }, (_, i) => `${GROUP.name}/${i}`),
  ...UNDER_SESSION,
];

const STYLE: WorkStyle = { pauseMs: [5, 40], doomed: 0.1, slowToStop: 0.4, stopsByItself: 0.25 };

/** The workers: each a label and a wire for the whole run, and one process after the other. */
export class Crew implements AsyncDisposable {
  /** All that ever stood for election, and in which others than the one for which all stand. */
  readonly candidates: { readonly candidate: string; readonly elections: readonly string[] | undefined }[] =
    [];
  skews = 0;
  readonly #lastTrusted = new Map<string | undefined, number>();
  readonly #lives: (Life | undefined)[] = [];
  readonly #clocks: (ClockSkew | undefined)[] = [];
  #leader: { readonly worker: number; readonly life: Life; readonly term: number } | undefined;
  #begun = 0;
  #ending = false;

  constructor(
    private readonly wires: readonly Wire[],
    private readonly schedule: Schedule,
    private readonly seed: number,
    private readonly skewEnv: SkewEnv | undefined,
    private readonly now: () => number,
    private readonly record: (event: HistoryEvent) => void,
  ) {}

  get size(): number {
    return this.wires.length;
  }

  /** Who led last, if it is still alive. */
  get leader(): number | undefined {
    return this.#leader?.life.alive ? this.#leader.worker : undefined;
  }

  /** When the leader of this election was last seen to trust its lease. */
  lastTrusted(election?: string): number {
    return this.#lastTrusted.get(election) ?? Number.NEGATIVE_INFINITY;
  }

  /** The process of a worker, unless it has ended or is about to. */
  life(worker: number): Life | undefined {
    const life = this.#lives[worker];
    return life?.alive && !life.doomed ? life : undefined;
  }

  clockOf(worker: number): ClockSkew | undefined {
    return this.#clocks[worker];
  }

  /** A process for this worker, after its last one is gone, unless it has a new one by then. */
  async start(worker: number, clock: ClockSkew | undefined): Promise<void> {
    const last = this.#lives[worker];
    await last?.over;
    if (this.#ending || this.#lives[worker] !== last) return;
    const { leaseMs, maxServiceClockErrorMs } = this.schedule;
    const skewed = this.skewEnv ? clock : undefined;
    if (skewed) this.skews += 1;
    const config = {
      label: labelOf(worker),
      connection: {
        endpoint: this.wires[worker]?.endpoint ?? "",
        region: "us-east-1",
        credentials: { accessKeyId: "local", secretAccessKey: "local" },
      },
      leaseTable: LEASES,
      register: REGISTER,
      style: STYLE,
      metered: false,
      // Of every other worker, so that both ends are seen: of a lease that runs out, and of one that is given back.
      lastWill: worker % 2 === 0,
      election: ELECTION,
      group: GROUP,
      underSession: UNDER_SESSION,
      leaseMs,
      maxServiceClockErrorMs,
      seed: (this.seed * 1_000 + ++this.#begun) >>> 0,
    };
    const env = skewed && this.skewEnv ? this.skewEnv(skewed) : {};
    const life: Life = new Life(
      config,
      env,
      (message) => this.#heard(worker, life, message),
      () => this.#doomed(life),
    );
    this.#lives[worker] = life;
    this.#clocks[worker] = skewed;
    void life.over.then(() => this.#ended(worker, life));
  }

  /** All give back what they have, and end. */
  async resign(killAfterMs: number): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#lives.map((life) => life?.alive && life.resign(killAfterMs)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#lives.map((life) => life?.alive && life.kill()));
  }

  #heard(worker: number, life: Life, message: FromWorker): void {
    const at = this.now();
    switch (message.type) {
      case "ask":
        life.answer({ question: message.question, now: at });
        break;
      case "hello":
        this.#born(worker, life, message, at);
        break;
      case "left":
      case "used":
        break;
      default:
        this.record({ ...message, at });
        if (message.type === "view" && message.trusted) this.#saw(worker, life, message);
    }
  }

  /** Told before the process is. */
  #doomed({ candidates }: Life): void {
    for (const candidate of candidates) this.record({ type: "doomed", at: this.now(), candidate });
  }

  #born(worker: number, life: Life, { candidate, elections }: Born, at: number): void {
    const { offset = "+0", rate = 1 } = this.#clocks[worker] ?? {};
    life.candidates.push(candidate);
    this.candidates.push({ candidate, elections });
    this.record({ type: "life", at, candidate, label: labelOf(worker), offset, rate, elections });
  }

  #saw(worker: number, life: Life, { election, term, asked }: Seen): void {
    this.#lastTrusted.set(election, Math.max(this.lastTrusted(election), asked));
    if (election !== undefined) return;
    if (term >= (this.#leader?.term ?? 0)) this.#leader = { worker, life, term };
  }

  #ended(worker: number, life: Life): void {
    if (life.doomed || this.#ending) return;
    const lastWords = life.lastWords.trim() || `exit code ${life.exitCode}`;
    this.record({
      type: "crash",
      at: this.now(),
      candidate: life.candidates[0] ?? "",
      label: labelOf(worker),
      lastWords,
    });
    void this.start(worker, undefined);
  }
}

type Born = Extract<FromWorker, { type: "hello" }>;
type Seen = Extract<FromWorker, { type: "view" }>;

function labelOf(worker: number): string {
  return `worker-${worker + 1}`;
}
