import { type Instant, longestElapsedMs, readClock } from "../../src/clock.js";
import type {
  StandIn,
  StandInLane,
  StandInPlan,
  StandInReport,
  StandInSender,
  StandInTenure,
} from "../../src/heartbeat-thread/sender.js";
import { isHeldIn } from "../../src/protocol/lease.js";
import { standInFate, trustedFrom } from "../../src/protocol/stand-ins.js";
import type { RenewRequest, Written } from "../../src/protocol/verbs.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { contentOf, sendSigned } from "../support/wills.js";
import { Host } from "./host.js";
import type { Network } from "./network.js";
import type { StandInSight, Trusted } from "./stand-in-referee.js";
import type { Strays } from "./strays.js";
import type { World } from "./world.js";

/** What a thread meets, and who sees what it does. */
export interface Outside {
  readonly world: World;
  readonly network: Network;
  readonly strays: Strays;
  leaves(sight: StandInSight, plannedMs: number): void;
  /** The row has it: trust counts from `since`. */
  confirmed(sight: StandInSight, trusted: Trusted): void;
}

/** The thread of one process: it goes on while the event loop is blocked, stands still when the machine does, and dies with it. */
export class LivingThread implements StandInSender {
  /** What its requests and answers meet. */
  readonly host: Host;
  readonly #lanes = new Set<Lane>();

  constructor(
    private readonly outside: Outside,
    private readonly process: Host,
  ) {
    this.host = new Host(outside.world, 1, { offsetMs: 0, isRight: true });
  }

  open(tenure: StandInTenure): StandInLane {
    const { network, strays } = this.outside;
    const store = strays.on(network.from(this.host), this.host);
    const lane = new Lane(this.outside, this.process, store, tenure, () => this.#lanes.delete(lane));
    this.#lanes.add(lane);
    return lane;
  }

  /** It alone. The process notices when its event loop turns, and starts another one, which is told all again. */
  dies(): void {
    for (const lane of this.#lanes) lane.threadDies();
  }
}

class Lane implements StandInLane {
  #plan: StandInPlan | undefined;
  #standIns: StandIn[] = [];
  #trustedFrom: Instant | undefined;
  #untilMs = Number.POSITIVE_INFINITY;
  #againMs = 0;
  #sent: StandIn | undefined;
  #firstSent: Instant | undefined;
  #isClosed = false;
  /** Of the thread that it belongs to. What another one has asked is forgotten. */
  #life = 0;
  #isSending = false;
  readonly #reports: StandInReport[] = [];
  #callOff = () => {};

  constructor(
    private readonly outside: Outside,
    private readonly process: Host,
    private readonly store: LeaseStore,
    private readonly tenure: StandInTenure,
    private readonly closed: () => void,
  ) {}

  replace(plan: StandInPlan): void {
    this.#plan = plan;
    this.#standIns = [...plan.standIns];
    this.#trustedFrom = plan.trustedFrom;
    this.#wait();
  }

  sendUntil(byMs: number): void {
    this.#untilMs = byMs;
  }

  take(): StandInReport | undefined {
    return this.#reports.shift();
  }

  close(): void {
    this.#isClosed = true;
    this.#callOff();
    this.closed();
  }

  threadDies(): void {
    this.outside.network.count("threadDies");
    this.#life += 1;
    this.#isSending = false;
    this.#sent = undefined;
    this.#callOff();
    this.process.whenRunning(() => {
      if (this.#isClosed) return;
      this.tenure.onFailure(new Error("the thread has died"));
      if (this.#plan) this.replace(this.#plan);
    });
  }

  #next(): StandIn | undefined {
    const nowMs = this.process.monotonicMs();
    const isUseless = ({ slot, id }: StandIn) =>
      this.#sent !== undefined && slot <= this.#sent.slot && id !== this.#sent.id;
    this.#standIns = this.#standIns.filter((each) => !isUseless(each));
    while ((this.#standIns[1]?.planned.monotonicMs ?? Number.POSITIVE_INFINITY) <= nowMs)
      this.#standIns.shift();
    return this.#isSending || this.#isClosed ? undefined : this.#standIns[0];
  }

  #wait(): void {
    this.#callOff();
    const next = this.#next();
    if (next === undefined) return;
    const { graceMs } = this.tenure;
    const turnedMs = this.process.blockedAtMs ?? this.process.monotonicMs();
    const overdueMs = Math.max(turnedMs + graceMs, this.#againMs) - this.process.monotonicMs();
    const dueMs = next.planned.monotonicMs - this.process.monotonicMs();
    // A timer has whole milliseconds; a trillionth of one would come for ever.
    const inMs = Math.max(dueMs > 0 ? dueMs : overdueMs, 1);
    this.#callOff = this.outside.world.after(inMs / this.process.rate, () => this.#act());
  }

  #act(): void {
    const next = this.#next();
    if (next === undefined || !this.process.alive) return;
    const { blockedAtMs, running } = this.process;
    // The machine stands still, and its monotonic clock with it.
    if (!running && blockedAtMs === undefined) {
      this.process.whenRunning(() => this.#wait());
      return;
    }
    const now = readClock(this.process);
    const { graceMs } = this.tenure;
    const isDue =
      blockedAtMs !== undefined &&
      now.monotonicMs >= Math.max(next.planned.monotonicMs, blockedAtMs + graceMs, this.#againMs) - 1e-6;
    if (!isDue) {
      this.#wait();
      return;
    }
    if (now.monotonicMs <= this.#untilMs && this.#isTrusted(now)) void this.#send(next, now);
  }

  #isTrusted(now: Instant): boolean {
    const { trustMs = 0 } = this.#plan ?? {};
    return this.#trustedFrom !== undefined && longestElapsedMs(this.#trustedFrom, now) < trustMs;
  }

  async #send(standIn: StandIn, now: Instant): Promise<void> {
    const life = this.#life;
    this.#isSending = true;
    if (this.#sent?.id !== standIn.id) this.#firstSent = now;
    this.#sent = standIn;
    const sent = this.#firstSent ?? now;
    const { world, network } = this.outside;
    network.count("standIn");
    this.outside.leaves(this.#sightOf(standIn), standIn.planned.monotonicMs);
    const { timeoutMs = 0 } = this.#plan ?? {};
    const late = new Promise<Written>((_, reject) => {
      world.after(timeoutMs / this.process.rate, () => reject(new Error("no answer")));
    });
    const asked = sendSigned(this.store, standIn.request) as Promise<Written>;
    const [answer] = await Promise.allSettled([Promise.race([asked, late])]);
    if (life !== this.#life || this.#isClosed || !this.process.alive) return;
    this.#isSending = false;
    const received = readClock(this.process);
    const written = () => {
      if (answer.status === "rejected") throw answer.reason;
      return answer.value;
    };
    this.#reports.push({ id: standIn.id, sent, received, written });
    if (answer.status === "rejected") this.#againMs = received.monotonicMs + this.tenure.graceMs;
    else this.#follow(standIn, answer.value, sent, received);
    this.#wait();
    this.process.whenRunning(() => this.tenure.onTurn());
  }

  #follow(standIn: StandIn, { lease }: Written, sent: Instant, received: Instant): void {
    const sight = this.#sightOf(standIn);
    const { renewal } = sight;
    this.#standIns = isHeldIn(lease, renewal) ? this.#standIns.filter(({ slot }) => slot > standIn.slot) : [];
    if (standInFate(lease, renewal) !== "confirmed") return;
    this.outside.network.count("standInConfirmed");
    const since = trustedFrom(standIn.planned, sent);
    this.outside.confirmed(sight, { since, forMs: this.#plan?.trustMs ?? 0 });
    if (this.#isTrusted(received)) this.#trustedFrom = since;
  }

  #sightOf({ request }: StandIn): StandInSight {
    return { process: this.process, renewal: contentOf(request).request as unknown as RenewRequest };
  }
}
