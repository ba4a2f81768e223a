import type { Delivery, Lambda } from "./function.js";
import type { Mood } from "./messages.js";

/** Fifty ticks for two Regions, and what is done to them. */

export type Kind = "plain" | "twice" | "late" | Mood;

const KINDS: readonly Kind[] = [
  "plain",
  "twice",
  "fails",
  "late",
  "is killed",
  "twice",
  "plain",
  "is slow",
  "late",
  "overruns",
];
/** These take a whole timeout each: in every second round of kinds only. */
const LONG = new Set<Kind>(["is slow", "overruns"]);
/** A tick that nobody had time for is delivered again: more often than this, and it was forgotten. */
const MAX_ROUNDS = 10;
const FIRST_MS = Date.parse("2026-01-01T00:00:00Z");

export interface TickStory {
  readonly tick: string;
  readonly kind: Kind;
  /** Whose function was to suffer, if that is its kind. */
  readonly victim: string | undefined;
  readonly deliveries: readonly Delivery[];
  /** Of ticks that are long done, delivered after this one. */
  readonly late: readonly Delivery[];
  readonly rounds: number;
}

export function tickAt(index: number): string {
  return new Date(FIRST_MS + index * 3_600_000).toISOString();
}

export function kindOf(index: number): Kind {
  const kind = KINDS[index % KINDS.length] as Kind;
  return LONG.has(kind) && Math.floor(index / KINDS.length) % 2 === 1 ? "plain" : kind;
}

export async function playTicks(
  regions: readonly Lambda[],
  ticks: number,
  onTick: (story: TickStory) => void,
): Promise<TickStory[]> {
  const stories: TickStory[] = [];
  for (let index = 0; index < ticks; index++) {
    const story = await playTick(regions, index, keeperOf(stories.at(-1)));
    stories.push(story);
    onTick(story);
  }
  return stories;
}

async function playTick(
  regions: readonly Lambda[],
  index: number,
  keeper: string | undefined,
): Promise<TickStory> {
  const tick = tickAt(index);
  const kind = kindOf(index);
  const mood = isMood(kind) ? kind : undefined;
  const victim = mood && (keeper ?? regions[0]?.name);
  const deliveries: Delivery[] = [];
  let rounds = 0;
  for (; !deliveries.some(isLeader) && rounds < MAX_ROUNDS; rounds++) {
    const isFirst = rounds === 0;
    const targets = kind === "twice" && isFirst ? [...regions, ...regions] : regions;
    const moodOf = ({ name }: Lambda) => (isFirst && name === victim ? mood : undefined);
    const told = await Promise.all(targets.map((target) => target.deliver(tick, moodOf(target))));
    // Lambda waits a minute before it tries again: whoever stood by was first.
    await Promise.all(targets.map((target, i) => target.retry(told[i] as Delivery)));
    deliveries.push(...told);
  }
  const late: Delivery[] = [];
  if (kind === "late") {
    for (const past of [index, index - 1, index - 3].filter((one) => one >= 0)) {
      late.push(...(await Promise.all(regions.map((region) => region.deliver(tickAt(past))))));
    }
  }
  return { tick, kind, victim, deliveries, late, rounds };
}

export function isMood(kind: Kind): kind is Mood {
  return kind !== "plain" && kind !== "twice" && kind !== "late";
}

export function isLeader({ outcomes }: Delivery): boolean {
  const last = outcomes.at(-1);
  return last?.kind === "answered" && last.result.role === "leader";
}

/** The Region that completed a tick. */
export function keeperOf(story: Pick<TickStory, "deliveries"> | undefined): string | undefined {
  return story?.deliveries.find(isLeader)?.function;
}
