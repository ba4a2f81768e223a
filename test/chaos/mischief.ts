import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Operator } from "../../src/index.js";
import type { Crew } from "./crew.js";
import type { Fault, Planned } from "./schedule.js";
import type { Table } from "./table.js";
import type { Cut, HeaderFault, Wire } from "./wire.js";

/** A worker that was told to end, and does not within so many leases, is killed. */
const RESIGN_WITHIN = 4;

/** Does to the crew, the wires and the table what the schedule says, and mends it again. */
export class Mischief {
  readonly done = {
    ...{ kills: 0, companionKills: 0, freezes: 0, blocks: 0, partitions: 0, restarts: 0, halfOpen: 0 },
    ...{ lies: 0, steps: 0, missing: 0, evictions: 0 },
  };
  readonly #mended = new AbortController();
  readonly #frozen = new Set<number>();
  /** Given other clocks by us, now or soon. */
  readonly #skewed = new Set<number>();
  #restart: Promise<void> | undefined;

  constructor(
    private readonly crew: Crew,
    private readonly wires: readonly Wire[],
    private readonly table: Table,
    private readonly leaseMs: number,
    /** One for each election. */
    private readonly operators: readonly Operator[],
    private readonly record: (kind: Fault["kind"], what: string) => void,
  ) {
    setMaxListeners(0, this.#mended.signal);
  }

  /** What it did, in words. */
  commit(fault: Planned): string {
    const worker = this.#workerOf(fault);
    const what = this.#commit(fault, worker);
    if (what === undefined) return `nothing: ${fault.kind} hits nobody`;
    const whole = `${what}${"target" in fault ? ` of worker-${worker + 1}` : ""}`;
    this.record(fault.kind, whole);
    return whole;
  }

  /** Everything is mended, everybody alive, and every clock right in its rate. */
  async end(): Promise<void> {
    this.#mended.abort();
    await this.#restart;
    for (const wire of this.wires) wire.heal();
    for (const worker of this.wires.keys()) {
      const { rate = 1 } = this.crew.clockOf(worker) ?? {};
      if (rate !== 1) await this.crew.life(worker)?.kill();
      this.crew.life(worker)?.thaw();
      if (!this.crew.life(worker)) await this.crew.start(worker, undefined);
    }
  }

  /** "leader" is somebody else while nobody leads. */
  #workerOf(fault: Planned): number {
    if (!("target" in fault)) return 0;
    return fault.target === "leader" ? (this.crew.leader ?? fault.atMs % this.crew.size) : fault.target;
  }

  #commit(fault: Fault, worker: number): string | undefined {
    const life = this.crew.life(worker);
    const wire = this.wires[worker] as Wire;
    switch (fault.kind) {
      case "kill":
        if (!life) return undefined;
        this.#kill(worker, fault.backAfterMs);
        return "SIGKILL";
      case "killAll":
        for (let each = 0; each < this.crew.size; each++) this.#kill(each, fault.backAfterMs);
        return "SIGKILL of everybody";
      case "freeze":
        if (!life || this.#frozen.has(worker)) return undefined;
        this.done.freezes += 1;
        this.#frozen.add(worker);
        life.freeze();
        void this.#later(fault.forMs, () => {
          this.#frozen.delete(worker);
          life.thaw();
        });
        return `SIGSTOP for ${fault.forMs} ms`;
      case "block":
        if (!life) return undefined;
        this.done.blocks += 1;
        life.block(fault.forMs);
        return `blocked loop for ${fault.forMs} ms`;
      case "killCompanion":
        if (!life?.killCompanion()) return undefined;
        this.done.companionKills += 1;
        return "SIGKILL of the companion";
      case "resign":
        if (!life) return undefined;
        void life.resign(RESIGN_WITHIN * this.leaseMs);
        this.#back(worker, fault.backAfterMs);
        return "SIGTERM";
      case "partition":
        this.done.partitions += 1;
        this.#cut(wire, fault, fault.forMs);
        return `partition, ${fault.lost} lost${fault.silent ? " in silence" : ""}, for ${fault.forMs} ms`;
      case "fading":
        this.done.partitions += 1;
        wire.lateMs = fault.lateMs;
        wire.lateWrites = fault.lateWrites;
        void this.#later(fault.fadingMs, () => {
          wire.lateMs = 0;
          this.#cut(wire, { lost: "both", silent: true }, fault.forMs);
        });
        return `answers late by ${fault.lateMs} ms for ${fault.fadingMs} ms, then a partition for ${fault.forMs} ms`;
      case "halfOpen":
        this.done.halfOpen += 1;
        this.#cut(wire, { lost: "requests", silent: true }, fault.forMs);
        return `half-open connection for ${fault.forMs} ms`;
      case "errors":
        wire.errors = fault.part;
        void this.#later(fault.forMs, () => {
          wire.errors = 0;
        });
        return `errors for ${percent(fault.part)} of the requests for ${fault.forMs} ms`;
      case "slow":
        wire.slow = fault.part;
        void this.#later(fault.forMs, () => {
          wire.slow = 0;
        });
        return `delays or doubles for ${percent(fault.part)} of the requests for ${fault.forMs} ms`;
      case "lyingHeaders":
        if (!this.#misdate(worker, { kind: "off", byMs: fault.byMs }, fault.forMs)) return undefined;
        this.done.lies += 1;
        return `headers off by ${fault.byMs} ms for ${fault.forMs} ms`;
      case "steppedHeaders":
        if (!this.#misdate(worker, { kind: "off", byMs: fault.byMs }, fault.forMs)) return undefined;
        this.done.steps += 1;
        return `headers stepped by ${fault.byMs} ms for ${fault.forMs} ms`;
      case "missingHeaders":
        if (!this.#misdate(worker, { kind: "missing" }, fault.forMs)) return undefined;
        this.done.missing += 1;
        return `no headers for ${fault.forMs} ms`;
      case "evict": {
        const operator = this.operators[fault.which % this.operators.length];
        if (!operator) return undefined;
        void this.#evict(operator);
        return "eviction";
      }
      case "restartTable":
        if (this.#restart !== undefined) return undefined;
        this.done.restarts += 1;
        this.#restart = this.table.restart(this.wires).finally(() => {
          this.#restart = undefined;
          this.record("restartTable", "the table is back");
        });
        return "SIGKILL of the table";
      case "skew":
        // Of its two witnesses of the time, wall clock and headers, one stays right.
        if (fault.clock) this.#skewed.add(worker);
        else this.#skewed.delete(worker);
        wire.headers = undefined;
        void life?.kill();
        void this.#later(0, () => void this.crew.start(worker, fault.clock));
        return fault.clock
          ? `clocks off by ${fault.clock.offset}, rate ${fault.clock.rate}`
          : "clocks put right";
    }
  }

  #kill(worker: number, backAfterMs: number): void {
    const life = this.crew.life(worker);
    if (!life) return;
    this.done.kills += 1;
    void life.kill();
    this.#back(worker, backAfterMs);
  }

  /** Not if nobody leads, or the table is away. */
  async #evict(operator: Operator): Promise<void> {
    const asked = await operator.evict().catch(() => undefined);
    if (asked?.done) this.done.evictions += 1;
  }

  #back(worker: number, afterMs: number): void {
    const clock = this.crew.clockOf(worker);
    void this.#later(afterMs, () => void this.crew.start(worker, clock));
  }

  #cut(wire: Wire, cut: Cut, forMs: number): void {
    const mine = { ...cut };
    wire.cut = mine;
    if (cut.lost === "both" && !cut.silent) wire.breakConnections();
    void this.#later(forMs, () => {
      if (wire.cut === mine) wire.cut = undefined;
    });
  }

  /** False: its wall clock is wrong, so its headers stay right. */
  #misdate(worker: number, headers: HeaderFault, forMs: number): boolean {
    if (this.#skewed.has(worker) || this.crew.clockOf(worker) !== undefined) return false;
    const wire = this.wires[worker] as Wire;
    wire.headers = headers;
    void this.#later(forMs, () => {
      if (wire.headers === headers) wire.headers = undefined;
    });
    return true;
  }

  /** Not at all once everything is mended. */
  async #later(ms: number, then: () => void): Promise<void> {
    const { signal } = this.#mended;
    const inTime = await delay(ms, true, { signal }).catch(() => false);
    if (inTime) then();
  }
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
