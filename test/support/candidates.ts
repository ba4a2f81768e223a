import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach } from "vitest";
import { Election, type ListedCandidate } from "../../src/index.js";
import type { CandidateOptions } from "../../src/options.js";
import { eventually, leaseRow, localEnv, newClient, newLeaseTable } from "./fixture.js";

/** `rank`: at first, where the order of succession is by rank. */
type Options = Partial<CandidateOptions> & { rank?: number };

interface Said {
  readonly type: string;
  readonly term?: number;
  readonly candidateId?: string;
  readonly reason?: string;
}

/** A candidate in a process of its own, on the run's DynamoDB Local. */
export class Candidate {
  readonly said: Said[] = [];
  readonly #child: ChildProcess;

  constructor(
    readonly label: string,
    options: Options & { tableName: string; name: string },
  ) {
    const args = ["--import", "tsx", "test/support/candidate.ts", JSON.stringify({ label, ...options })];
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"], env: localEnv() });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) =>
      this.said.push(JSON.parse(line) as Said),
    );
    running.push(this);
  }

  get id(): string {
    return this.said.find(({ type }) => type === "joined")?.candidateId ?? "";
  }

  setRank(rank: number): void {
    this.#child.stdin?.write(`${rank}\n`);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill(signal);
    await exited;
  }

  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }
}

const running: Candidate[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((candidate) => candidate.end("SIGKILL")));
});

/** One election, the processes that stand for it, and a view of it from outside. */
export class Contest {
  readonly candidates: Candidate[] = [];
  readonly #where: { tableName: string; name: string };
  readonly view: Election;

  private constructor(
    tableName: string,
    private readonly options: Options,
  ) {
    this.#where = { tableName, name: `e/${randomUUID()}` };
    // It only reads. On a busy machine too no answer comes too late for it.
    const patient = { leaseDurationMs: 60_000, tuning: { requestTimeoutMs: 15_000 } };
    // While nobody leads, `observe` looks this often.
    this.view = new Election({ ...this.#where, client: newClient(), renewIntervalMs: 1_000, ...patient });
  }

  static async of(options: Options): Promise<Contest> {
    return new Contest(await newLeaseTable(newClient()), options);
  }

  get where() {
    return { ...this.#where, client: newClient() };
  }

  start(label: string, options: Options = {}): Candidate {
    const candidate = new Candidate(label, { ...this.options, ...options, ...this.#where });
    this.candidates.push(candidate);
    return candidate;
  }

  /** Starts a candidate; resolves when it stands for election, as others see it. */
  async join(label: string, options: Options = {}): Promise<Candidate> {
    const candidate = this.start(label, options);
    await eventually(async () => (await this.#listed(label)) !== undefined);
    return candidate;
  }

  /** One after the other: so they arrive in this order, and the first one leads. */
  async joinAll(labels: string, options: (label: string) => Options = () => ({})): Promise<void> {
    for (const [i, label] of [...labels].entries()) {
      await this.join(label, options(label));
      if (i === 0 && this.candidates.length === 1) await this.leads(1);
    }
    await this.settles();
  }

  get(label: string): Candidate {
    const found = this.candidates.findLast((candidate) => candidate.label === label);
    if (!found) throw new Error(`nobody is called ${label}`);
    return found;
  }

  kill(label: string): Promise<void> {
    return this.get(label).end("SIGKILL");
  }

  /** Who leads this term, once somebody does: told by its own process. */
  leads(term: number): Promise<string> {
    const isLed = ({ said }: Candidate) => said.some((what) => what.type === "leads" && what.term === term);
    return eventually(() => this.candidates.find(isLed)?.label);
  }

  /** Why that term ended, once its own leader knows. */
  endOf(term: number): Promise<string> {
    const ends = () => this.candidates.flatMap(({ said }) => said);
    return eventually(() => ends().find((what) => what.type === "ended" && what.term === term)?.reason);
  }

  /** The standby as anybody sees it, once it is that one. */
  async standbyIs(label: string): Promise<void> {
    await eventually(async () => (await this.#listed(label))?.role === "standby");
  }

  /** Tries to acquire that came too late, by all. */
  get refusals(): number {
    return this.candidates.flatMap(({ said }) => said).filter(({ type }) => type === "refused").length;
  }

  async #listed(label: string): Promise<ListedCandidate | undefined> {
    const listed = await this.view.candidates();
    return listed.find((candidate) => candidate.label === label);
  }

  /** Everybody is in the line, and has followed some renewals: in step, each looks just after one. */
  async settles(): Promise<void> {
    const standing = await this.view.candidates();
    const eligible = standing.filter(({ role }) => role !== "observer").length;
    await eventually(async () => (await this.line()).length >= eligible - 1);
    let renewals = 0;
    let last: number | undefined;
    await eventually(async () => {
      const renewedAt = (await this.view.leader())?.renewedAt;
      if (renewedAt !== last) renewals += 1;
      last = renewedAt;
      return renewals > 6;
    });
  }

  /** The line as the lease row tells it, by labels. */
  async line(): Promise<string[]> {
    const { line } = (await leaseRow(newClient(), this.#where.tableName, this.#where.name)) ?? {};
    return (line?.L ?? []).map(({ S = "" }) => S.replace(/-[^-]*$/, ""));
  }
}
