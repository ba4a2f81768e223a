import { Member } from "./member.js";
import type { Death, FromWorker, RequestKind, WorkerConfig } from "./messages.js";
import { News } from "./waiting.js";

/** The work of one leader began. */
export interface Start {
  readonly term: number;
  readonly member: Member;
  readonly atMs: number;
}

export interface Plan {
  readonly program: string;
  readonly config: Omit<WorkerConfig, "label">;
  readonly size: number;
}

let lastStart: Promise<unknown> = Promise.resolve();

/** One election and its candidates, each a process; dead ones are replaced by new ones. */
export class Contest implements AsyncDisposable {
  readonly members: Member[] = [];
  readonly starts: Start[] = [];
  /** When the work of each term stopped. */
  readonly stops = new Map<number, number>();
  /** A candidate is about to campaign. */
  onHello: (atMs: number) => void = () => {};
  onRequest: (member: Member, kind: RequestKind) => void = () => {};
  readonly #news: News;
  #begun = 0;

  constructor(private readonly plan: Plan) {
    this.#news = new News(plan.config.election);
  }

  get election(): string {
    return this.plan.config.election;
  }

  get leaseMs(): number {
    return this.plan.config.leaseMs;
  }

  get renewMs(): number {
    return this.plan.config.renewMs;
  }

  get leader(): Start | undefined {
    return this.starts.at(-1);
  }

  get followers(): Member[] {
    return this.members.filter((member) => member !== this.leader?.member);
  }

  /** Starts the missing candidates, one process at a time in the whole bench, because a start disturbs the others. */
  async fill(): Promise<void> {
    while (this.members.length < this.plan.size) {
      const started = lastStart.then(() => this.#start());
      lastStart = started.catch(() => {});
      await started;
    }
  }

  member(candidateId: string | undefined): Member | undefined {
    return this.members.find((member) => member.candidateId === candidateId);
  }

  /** Kills them all at one moment, and returns that moment. */
  kill(members: readonly Member[], how: Death = "SIGKILL"): number {
    const atMs = performance.now();
    for (const member of members) {
      member.die(how);
      this.members.splice(this.members.indexOf(member), 1);
    }
    return atMs;
  }

  /** Resolves with the start of work of any term after this one. */
  async startAfter(term: number): Promise<Start> {
    await this.until(() => (this.leader?.term ?? 0) > term);
    return this.starts.find((start) => start.term > term) as Start;
  }

  /** Checks after each message of a worker, and at intervals. Rejects after the longest wait. */
  async until(isSo: () => boolean): Promise<void> {
    await this.#news.until(isSo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()));
  }

  async #start(): Promise<void> {
    const label = `c${++this.#begun}`;
    const rank = 1_000 - this.#begun;
    const { config, program } = this.plan;
    const member: Member = new Member(program, { ...config, rank, label }, (message, atMs) =>
      this.#heard(member, message, atMs),
    );
    this.members.push(member);
    await this.until(() => member.candidateId !== undefined);
  }

  #heard(member: Member, message: FromWorker, atMs: number): void {
    if (message.type === "hello") this.onHello(atMs);
    if (message.type === "working") this.starts.push({ term: message.term, member, atMs });
    if (message.type === "stopped") this.stops.set(message.term, atMs);
    if (message.type === "request") this.onRequest(member, message.kind);
    if (message.type === "failed") this.#news.failed(`${member.config.label}: ${message.message}`);
    this.#news.changed();
  }
}
