import { isBalanced } from "./balance.js";
import type { FromGroupMember, GroupConfig, ToGroupMember } from "./group-messages.js";
import { News } from "./waiting.js";
import { WorkerProcess } from "./worker-process.js";

type GroupMember = WorkerProcess<GroupConfig, FromGroupMember, ToGroupMember>;

/** A partition was taken: its work began. */
export interface Take {
  readonly partition: number;
  readonly atMs: number;
}

/** Members that share partitions, each a process, and who of them works for what. */
export class Group implements AsyncDisposable {
  readonly members: GroupMember[] = [];
  /** All of them, in the order of their messages. */
  readonly takes: Take[] = [];
  readonly #holders = new Map<number, { readonly member: GroupMember; readonly term: number }>();
  readonly #news: News;
  #begun = 0;

  constructor(
    private readonly program: string,
    private readonly config: Omit<GroupConfig, "label">,
  ) {
    this.#news = new News(config.group);
  }

  /** How many partitions each living member works for. */
  get held(): number[] {
    const holders = [...this.#holders.values()];
    return this.members.map((one) => holders.filter(({ member }) => member === one).length);
  }

  get isBalanced(): boolean {
    return this.members.length > 0 && isBalanced(this.held, this.config.count);
  }

  /** Starts one. Resolves with the moment when it began to take part. */
  async join(): Promise<number> {
    let begunMs: number | undefined;
    const config = { ...this.config, label: `m${++this.#begun}` };
    const member: GroupMember = new WorkerProcess(this.program, config, (message, atMs) => {
      if (message.type === "hello") {
        begunMs = atMs;
        this.members.push(member);
      }
      this.#heard(member, message, atMs);
    });
    await this.#news.until(() => begunMs !== undefined);
    return begunMs as number;
  }

  /** It hands over what it holds, and ends by itself. Resolves with the moment when it was asked. */
  async leave(member: GroupMember): Promise<number> {
    const atMs = performance.now();
    this.#drop(member);
    member.say({ type: "leave" });
    return atMs;
  }

  async kill(member: GroupMember): Promise<number> {
    const atMs = performance.now();
    member.kill();
    this.#drop(member);
    for (const [partition, holder] of this.#holders)
      if (holder.member === member) this.#holders.delete(partition);
    return atMs;
  }

  until(isSo: () => boolean): Promise<void> {
    return this.#news.until(isSo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.members, ...this.#left].map((member) => member.end()));
  }

  readonly #left: GroupMember[] = [];

  #drop(member: GroupMember): void {
    this.members.splice(this.members.indexOf(member), 1);
    this.#left.push(member);
  }

  #heard(member: GroupMember, message: FromGroupMember, atMs: number): void {
    if (message.type === "took") {
      const { partition, term } = message;
      this.#holders.set(partition, { member, term });
      this.takes.push({ partition, atMs });
    }
    // The next holder's message may come before it.
    if (message.type === "gave" && this.#holders.get(message.partition)?.term === message.term)
      this.#holders.delete(message.partition);
    if (message.type === "left") void member.end();
    if (message.type === "failed") this.#news.failed(`${member.config.label}: ${message.message}`);
    this.#news.changed();
  }
}
