import { sleep } from "../async.js";
import { systemClock } from "../clock.js";
import type { ClassicOptions } from "./classic.js";
import { leaseTable, type Table } from "./lease-table.js";
import { startLocalTable } from "./local-table.js";
import { type FromNode, Nodes, PARTITIONS } from "./nodes.js";
import { StalledError } from "./show.js";
import { unlessEnded } from "./signals.js";
import { seconds } from "./story.js";
import { type Style, styleFor } from "./style.js";

const LOOK_MS = 50;
const COLOURS = ["cyan", "yellow", "magenta", "green", "blue"] as const;

/** Four workers share twelve partitions. One is killed, and another one joins. It draws who holds what at each change. */
export function tellPartitions(options: ClassicOptions): Promise<number> {
  return unlessEnded((signal) => tell(options, signal));
}

async function tell({ leaseMs, json }: ClassicOptions, signal: AbortSignal): Promise<number> {
  const out = json ? process.stderr : process.stdout;
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  await using local = await startLocalTable(out, signal);
  await using table = await leaseTable(local);
  const show = new PartitionShow(table, leaseMs, out, signal);
  const figures = await show.play();
  if (json) process.stdout.write(`${JSON.stringify({ ok: true, leaseMs, ...figures })}\n`);
  return 0;
}

class PartitionShow {
  readonly #members: Nodes;
  readonly #startedMs = systemClock.monotonicMs();
  readonly #style: Style;
  /** By partition: which worker works on it, and under which term. */
  readonly #holders = new Map<number, { readonly number: number; readonly term: number }>();
  readonly #moved = new Set<number>();
  #failure: string | undefined;
  #drawn = "";

  constructor(
    { tableName, clientConfig }: Table,
    private readonly leaseMs: number,
    private readonly out: NodeJS.WriteStream,
    private readonly signal: AbortSignal,
  ) {
    this.#style = styleFor(out);
    const config = { clientConfig, tableName, name: "shards", leaseMs };
    this.#members = new Nodes(config, (number, message) => this.#heard(number, message), "member");
  }

  async play() {
    try {
      this.#say("Four workers start. A column is a partition, a number is the worker that holds it.");
      for (const number of [1, 2, 3, 4]) this.#members.start(number);
      await this.#untilLevel([1, 2, 3, 4]);
      this.#say("Each holds three.");
      this.#moved.clear();
      const killedMs = systemClock.monotonicMs();
      await this.#members.kill(2);
      for (const [partition, { number }] of this.#holders) if (number === 2) this.#holders.delete(partition);
      this.#say("worker-2 is killed (SIGKILL). Its leases must run out; nothing else moves.");
      await this.#untilLevel([1, 3, 4]);
      const takenOverMs = Math.round(systemClock.monotonicMs() - killedMs);
      const movedByDeath = this.#moved.size;
      this.#say(`The others hold four each, ${seconds(takenOverMs)} after the kill.`);
      this.#moved.clear();
      this.#members.start(5);
      this.#say("worker-5 joins. It gets its share, by hand-overs; nothing else moves.");
      await this.#untilLevel([1, 3, 4, 5]);
      const movedByJoin = this.#moved.size;
      const moved = `${movedByDeath} partitions moved after the kill, ${movedByJoin} when worker-5 joined`;
      this.#say(`Each holds three again. ${moved}.`);
      return { takenOverMs, movedByDeath, movedByJoin };
    } finally {
      await this.#members.end();
    }
  }

  #heard(number: number, message: FromNode): void {
    if (message.type === "failed") this.#failure ??= `worker-${number} failed: ${message.message}`;
    if (message.type !== "began" && message.type !== "stopped") return;
    const { type, partition, term } = message;
    const known = this.#holders.get(partition);
    if (type === "stopped" && known?.term === term) this.#holders.delete(partition);
    if (type === "began" && term > (known?.term ?? 0)) {
      this.#holders.set(partition, { number, term });
      this.#moved.add(partition);
    }
  }

  /** Draws while it waits. Rejects when there is no progress any more. */
  async #untilLevel(numbers: readonly number[]): Promise<void> {
    const patienceMs = 20_000 + 5 * this.leaseMs;
    const share = PARTITIONS / numbers.length;
    const sinceMs = systemClock.monotonicMs();
    for (;;) {
      if (this.#failure !== undefined) throw new StalledError(this.#failure);
      this.#draw();
      const held = [...this.#holders.values()];
      if (numbers.every((number) => held.filter((one) => one.number === number).length === share)) return;
      if (systemClock.monotonicMs() - sinceMs > patienceMs)
        throw new StalledError(`No progress for ${patienceMs / 1_000} s.`);
      await sleep(systemClock, LOOK_MS, this.signal);
    }
  }

  #draw(): void {
    const cells = Array.from({ length: PARTITIONS }, (_, partition) => {
      const holder = this.#holders.get(partition);
      return holder ? this.#style(COLOURS[holder.number - 1] ?? "white", `█${holder.number}█`) : " · ";
    });
    const row = cells.join(" ");
    if (row === this.#drawn) return;
    this.#drawn = row;
    this.#line(row);
  }

  #say(text: string): void {
    this.#line(this.#style("bold", text));
  }

  #line(text: string): void {
    this.out.write(`${seconds(systemClock.monotonicMs() - this.#startedMs).padStart(8)}  ${text}\n`);
  }
}
