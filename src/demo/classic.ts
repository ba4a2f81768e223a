import { sleep } from "../async.js";
import { systemClock } from "../clock.js";
import { Election, type PastLeader } from "../index.js";
import { leaseTable, type Table } from "./lease-table.js";
import { startLocalTable } from "./local-table.js";
import { type FromNode, Nodes } from "./nodes.js";
import { plainScreen, type Screen } from "./screen.js";
import { StalledError } from "./show.js";
import { unlessEnded } from "./signals.js";
import { Story, seconds } from "./story.js";

export interface ClassicOptions {
  readonly leaseMs: number;
  readonly json: boolean;
}

const NAME = "story";
const LOOK_MS = 50;
/** After this many renewals a node that just joined knows when the next ones come. */
const RENEWALS_TO_FOLLOW = 8;

/**
 * The classic story of leader election: four nodes, the highest leads, it is killed, the next one takes over, a
 * higher one joins and takes over. It prints a line for each event when it has happened.
 */
export function tellClassic(options: ClassicOptions): Promise<number> {
  return unlessEnded((signal) => tell(options, signal));
}

async function tell({ leaseMs, json }: ClassicOptions, signal: AbortSignal): Promise<number> {
  const out = json ? process.stderr : process.stdout;
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  await using local = await startLocalTable(out, signal);
  await using table = await leaseTable(local);
  let screen: Screen | undefined;
  const story = new Story((event) => screen?.add(event));
  const nothing = { title: "", workers: [], done: 0, total: 0, events: [] };
  screen = plainScreen(out, () => ({ ...nothing, nowMs: story.nowMs(), leaseMs }));
  try {
    const classic = new Classic(story, table, leaseMs, signal);
    const history = await classic.play();
    if (json)
      process.stdout.write(`${JSON.stringify({ ok: true, leaseMs, ...classic.figures, terms: history })}\n`);
    return 0;
  } finally {
    screen.close();
  }
}

class Classic {
  readonly #nodes: Nodes;
  readonly #view: Election;
  readonly #said: Array<FromNode & { number: number; atMs: number }> = [];
  #takeoverMs = 0;
  #handoverMs = 0;

  constructor(
    private readonly story: Story,
    { client, tableName, clientConfig }: Table,
    private readonly leaseMs: number,
    private readonly signal: AbortSignal,
  ) {
    this.#view = new Election({ client, tableName, name: NAME, leaseDurationMs: leaseMs });
    this.#nodes = new Nodes({ clientConfig, tableName, name: NAME, leaseMs }, (number, message) =>
      this.#said.push({ ...message, number, atMs: story.nowMs() }),
    );
  }

  get figures() {
    return { takeoverMs: Math.round(this.#takeoverMs), handoverMs: Math.round(this.#handoverMs) };
  }

  /** Resolves with the election's history, oldest term first. */
  async play(): Promise<PastLeader[]> {
    const { story } = this;
    try {
      story.tell("node-4 starts, with rank 4");
      this.#nodes.start(4);
      await this.#leads(1, 4);
      story.tell("node-4 leads: term 1", "good");
      story.tell("node-3, node-2 and node-1 start; their ranks are lower");
      for (const number of [3, 2, 1]) this.#nodes.start(number);
      await this.#joined([3, 2, 1]);
      await this.#standby(3);
      story.tell("node-3 is next in line while node-4 lives");
      await this.#follow();

      await this.#nodes.kill(4);
      const killedMs = story.nowMs();
      story.tell("node-4 is killed (SIGKILL); its lease must run out before another node may lead", "bad");
      this.#takeoverMs = (await this.#leads(2, 3)) - killedMs;
      const leases = (this.#takeoverMs / this.leaseMs).toFixed(2);
      story.tell(
        `node-3 leads: term 2, ${seconds(this.#takeoverMs)} after the kill (${leases} of a lease)`,
        "good",
      );

      story.tell("node-5 starts, with rank 5");
      this.#nodes.start(5);
      await this.#joined([5]);
      story.tell("node-5 has a higher rank, so node-3 plans to hand over");
      const ended = await this.#heard(
        ({ type, ...said }) => type === "ended" && "term" in said && said.term === 2,
      );
      story.tell("node-3 stops its work and hands over to node-5");
      this.#handoverMs = (await this.#leads(3, 5)) - ended.atMs;
      story.tell(`node-5 leads: term 3, ${Math.round(this.#handoverMs)} ms after node-3 had stopped`, "good");
      return await this.#history();
    } finally {
      await this.#nodes.end();
    }
  }

  /** When this node began to lead this term. Rejects if another node leads it. */
  async #leads(term: number, number: number): Promise<number> {
    const { atMs, number: leader } = await this.#heard((said) => said.type === "leads" && said.term === term);
    if (leader === number) return atMs;
    throw new StalledError(`Unexpected leader: node-${leader} leads term ${term} instead of node-${number}.`);
  }

  #heard(isIt: (said: FromNode) => boolean) {
    return this.#until(() => this.#said.find(isIt));
  }

  async #standby(number: number): Promise<void> {
    const isNext = (id = "") => id.startsWith(`node-${number}-`);
    await this.#until(async () => isNext((await this.#view.leader())?.standby) || undefined);
  }

  /** Resolves when all these nodes are listed. Tells of each. */
  async #joined(numbers: readonly number[]): Promise<void> {
    const missing = new Set(numbers.map((number) => `node-${number}`));
    await this.#until(async () => {
      for (const { label } of await this.#view.candidates()) {
        if (missing.delete(label)) this.story.tell(`${label} has joined`);
      }
      return missing.size === 0 || undefined;
    });
  }

  /** Resolves when every node has followed some renewals: a node that just joined does not know when they come. */
  async #follow(): Promise<void> {
    const seen = new Set<number | undefined>();
    await this.#until(async () => {
      const before = seen.size;
      seen.add((await this.#view.leader())?.renewedAt);
      if (seen.size > Math.max(1, before)) {
        const count = `${seen.size - 1} of ${RENEWALS_TO_FOLLOW}`;
        this.story.tell(`node-4 renews its lease, and the others learn when it does (${count})`);
      }
      return seen.size > RENEWALS_TO_FOLLOW || undefined;
    });
    // Leaders die at any moment, not only just after a renewal.
    await sleep(systemClock, (Math.random() * this.leaseMs) / 3, this.signal);
  }

  async #history(): Promise<PastLeader[]> {
    const ends = await this.#until(async () => {
      const history = (await this.#view.history()).reverse();
      return history.filter(({ endReason }) => endReason !== undefined).length === 2 ? history : undefined;
    });
    const terms = ends.map(({ term, candidateId, endReason }) => {
      return `term ${term} ${candidateId.replace(/-[^-]*$/, "")} ${endReason ? `(${endReason})` : "(leads)"}`;
    });
    this.story.tell(`history: ${terms.join(", ")}`);
    return ends;
  }

  /** Checks until it is true. Rejects when there is no progress any more. */
  async #until<T>(what: () => T | undefined | Promise<T | undefined>): Promise<T> {
    const patienceMs = 20_000 + 5 * this.leaseMs;
    for (const sinceMs = this.story.nowMs(); ; ) {
      const failed = this.#said.find((said) => said.type === "failed");
      if (failed?.type === "failed")
        throw new StalledError(`node-${failed.number} failed: ${failed.message}`);
      const value = await what();
      if (value !== undefined) return value;
      if (this.story.nowMs() - sinceMs > patienceMs) {
        throw new StalledError(`No progress for ${patienceMs / 1_000} s.`);
      }
      await sleep(systemClock, LOOK_MS, this.signal);
    }
  }
}
