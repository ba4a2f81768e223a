/** The events, in the order in which the coordinator got them. Times are milliseconds since the start. */

export type SceneKind = "killed" | "frozen" | "resigned";

export interface Term {
  readonly term: number;
  readonly worker: string;
  readonly electedAtMs: number;
  /** Undefined while it leads. */
  endedAtMs?: number;
}

export interface Mark {
  readonly kind:
    | SceneKind
    | "restarted"
    | "thawed"
    | "asked to resign"
    | "refused"
    | "applied late"
    | "preempted";
  readonly worker: string;
  readonly atMs: number;
  /** Stands beside the mark in the picture. */
  readonly caption?: string | undefined;
}

/** From the end of a leader to the first payment of the next one. */
export interface Failover {
  readonly kind: SceneKind;
  readonly fromTerm: number;
  readonly toTerm: number;
  readonly ms: number;
  readonly leases: number;
}

export type Tone = "good" | "bad" | "cold" | "plain";

/** One line of the story. */
export interface StoryEvent {
  readonly atMs: number;
  readonly text: string;
  readonly tone: Tone;
}

export class Story {
  readonly terms: Term[] = [];
  readonly marks: Mark[] = [];
  readonly failovers: Failover[] = [];
  readonly events: StoryEvent[] = [];
  readonly startedAt = new Date();
  readonly #originMs = performance.now();

  constructor(private readonly onEvent: (event: StoryEvent) => void) {}

  nowMs(): number {
    return performance.now() - this.#originMs;
  }

  /** ISO 8601. */
  timeOf(atMs: number): string {
    return new Date(this.startedAt.getTime() + atMs).toISOString();
  }

  tell(text: string, tone: Tone = "plain"): void {
    const event = { atMs: this.nowMs(), text, tone };
    this.events.push(event);
    this.onEvent(event);
  }

  mark(kind: Mark["kind"], worker: string, caption?: string): number {
    const atMs = this.nowMs();
    this.marks.push({ kind, worker, atMs, caption });
    return atMs;
  }

  elected(term: number, worker: string): void {
    this.terms.push({ term, worker, electedAtMs: this.nowMs() });
  }

  ended(term: number, atMs = this.nowMs()): void {
    const record = this.terms.find((one) => one.term === term);
    if (record) record.endedAtMs ??= Math.max(atMs, record.electedAtMs);
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
