import type { EndReason } from "../../src/errors.js";
import type { Leadership, LeaseLostError, RankSuccession } from "../../src/index.js";
import { factsOf } from "./lease.js";
import { type Given, type Player, Stage } from "./stage.js";

export const NAME = "billing/nightly";
export const LEASE_MS = 3_000;

/** One tenure as its own leader saw it. Times are the stage's. */
export interface Reign {
  readonly label: string;
  readonly term: number;
  readonly fromMs: number;
  readonly leadership: Leadership;
  untilMs?: number;
  reason?: EndReason;
}

export interface Actor extends Player {
  readonly label: string;
  readonly id: string;
  /** Asks it to leave for good; resolves when it has. */
  leave(): Promise<void>;
}

/** What one candidate is given: its rank, too, where the order of succession is by rank. */
type Part = Given & { rank?: RankSuccession["rank"] };

/** Candidates of one staged election that lead for as long as they may, and can be killed. */
export class Cast {
  readonly stage = new Stage();
  readonly reigns: Reign[] = [];
  readonly actors: Actor[] = [];
  readonly #dead = new Set<Player["clock"]>();
  readonly #sick = new Set<string>();
  #nowMs = 0;

  constructor(private readonly shared: Given = {}) {}

  /** A candidate for life: it campaigns from now on. */
  join(label: string, { rank = 0, ...options }: Part = {}): Actor {
    const healthy = () => !this.#sick.has(label);
    const { succession } = this.shared;
    const given = { healthy, ...this.shared, ...options };
    const isRanked = typeof succession === "object" && succession.order === "rank";
    const player = this.stage.candidate(
      label,
      isRanked ? { ...given, succession: { ...succession, rank } } : given,
    );
    const stop = new AbortController();
    const life = player.election.lead((leadership) => this.#reign(label, leadership), {
      signal: stop.signal,
    });
    const leave = () => {
      stop.abort();
      return life;
    };
    const actor = { ...player, label, id: player.election.candidateId, leave };
    this.actors.push(actor);
    return actor;
  }

  /** In this order: the first one leads, and the others wait until they are in step with its renewals. */
  async joinAll(labels: string, options: (label: string) => Part = () => ({})): Promise<Actor[]> {
    const actors: Actor[] = [];
    for (const label of labels) {
      actors.push(this.join(label, options(label)));
      await this.advance(50);
    }
    await this.advance(10_000);
    return actors;
  }

  /** None of its timers fires any more: dead, for all that others can see. */
  kill(...labels: string[]): void {
    for (const label of labels) this.#dead.add(this.actor(label).clock);
  }

  /** It was only frozen: its clocks go on where the others' are by now. */
  thaw(label: string): void {
    const { clock } = this.actor(label);
    this.#dead.delete(clock);
    clock.freeze(this.stage.time.wallMs() - clock.wallMs());
  }

  /** From now on it says that it is not healthy. */
  sicken(label: string): void {
    this.#sick.add(label);
  }

  /** Who joined last by that label. */
  actor(label: string): Actor {
    const found = this.actors.findLast((actor) => actor.label === label);
    if (!found) throw new Error(`nobody is called ${label}`);
    return found;
  }

  async advance(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      this.#nowMs += 10;
      await this.stage.advance(10, { frozen: [...this.#dead] });
    }
  }

  /** How long it took. */
  async until(condition: () => boolean, limitMs = 60_000): Promise<number> {
    const sinceMs = this.#nowMs;
    while (!condition()) {
      if (this.#nowMs - sinceMs >= limitMs)
        throw new Error(`not so within ${limitMs} ms of staged time: ${condition}`);
      await this.advance(10);
    }
    return this.#nowMs - sinceMs;
  }

  /** The latest tenure, once it is of `term` or a later one. */
  async reign(term: number): Promise<Reign> {
    await this.until(() => (this.reigns.at(-1)?.term ?? 0) >= term);
    return this.reigns.at(-1) as Reign;
  }

  /** Who led, term by term. */
  get told(): string {
    return this.reigns.map(({ label, term }) => `${label}${term}`).join(" ");
  }

  async row() {
    return factsOf((await this.stage.table.read(NAME)).lease);
  }

  /** The line as the row tells it, by labels. */
  async line(): Promise<string> {
    const { line = [] } = (await this.row()) ?? {};
    return line.map((id) => id.replace(/-[^-]*$/, "")).join("");
  }

  async #reign(label: string, leadership: Leadership): Promise<void> {
    const reign: Reign = { label, term: leadership.term, fromMs: this.#nowMs, leadership };
    this.reigns.push(reign);
    await new Promise((resolve) => leadership.signal.addEventListener("abort", resolve));
    reign.untilMs = this.#nowMs;
    reign.reason = (leadership.signal.reason as LeaseLostError).reason;
  }
}
