/** What happened to the ticks of one election. `at`: this process's monotonic clock, milliseconds. */
export type TickEvent =
  /** The work of a tick began. `run` is unique. */
  | Of<{ readonly type: "began"; readonly run: string; readonly candidate: string; readonly term: number }>
  /** The work still ran, and `throwIfLost()` did not throw after this moment: so trust had lasted until then. */
  | Of<{ readonly type: "trusted"; readonly run: string }>
  /** What the caller of this run was told. */
  | Of<{ readonly type: "completed" | "failed" | "unknown"; readonly run: string }>
  /** A caller was told that the tick need not run, because it is done. */
  | Of<{ readonly type: "done"; readonly candidate: string }>
  /** What the lease row showed at the end: the ticks that completed. `tick` is empty. */
  | Of<{ readonly type: "row"; readonly completed: readonly string[] }>;

type Of<T> = T & { readonly at: number; readonly tick: string };

/** `tick`: one completed twice or never, or the row shows something else than the callers were told. */
export interface TickViolation {
  readonly rule: "tick" | "exclusion" | "terms";
  readonly what: string;
}

type Began = Extract<TickEvent, { type: "began" }>;

/** Which promises a history of ticks breaks: each sentence names the tick. */
export function checkTicks(history: readonly TickEvent[]): TickViolation[] {
  const runs = new Map(
    history.flatMap((event) => (event.type === "began" ? [[event.run, event] as const] : [])),
  );
  const ticks = new Set(history.flatMap(({ tick }) => (tick === "" ? [] : [tick])));
  return [
    ...[...ticks].flatMap((tick) => once(tick, history)),
    ...trusted(history, runs),
    ...table(history, ticks),
  ];
}

function once(tick: string, history: readonly TickEvent[]): TickViolation[] {
  const of = (type: TickEvent["type"]) =>
    history.filter((event) => event.type === type && event.tick === tick);
  const [completed, unknown, done] = [of("completed"), of("unknown"), of("done")];
  const violations: string[] = [];
  if (completed.length > 1) violations.push(`tick ${tick} completed ${completed.length} times`);
  if (completed.length + unknown.length === 0) {
    // An answer that says so may come before that of the run itself, so only the end counts.
    const said =
      done.length > 0 ? "a caller was told that it is done, and no run completed it" : "no run completed it";
    violations.push(`tick ${tick}: ${said}`);
  }
  const [first] = completed;
  const later = first && of("began").find(({ at }) => at > first.at);
  if (later) violations.push(`tick ${tick} began again after it had completed`);
  return violations.map((what) => ({ rule: "tick", what }));
}

/** The work of two runs was trusted at one moment, or the later one has not the greater term. */
function trusted(history: readonly TickEvent[], runs: ReadonlyMap<string, Began>): TickViolation[] {
  const spans = new Map<string, { from: number; to: number; term: number }>();
  for (const event of history) {
    const began = event.type === "trusted" ? runs.get(event.run) : undefined;
    if (event.type !== "trusted" || !began) continue;
    const from = spans.get(event.run)?.from ?? event.at;
    spans.set(event.run, { from, to: event.at, term: began.term });
  }
  const sorted = [...spans.values()].sort((a, b) => a.from - b.from);
  return sorted.flatMap((span, i) =>
    sorted.slice(i + 1).flatMap(({ from, term }): TickViolation[] => {
      if (from <= span.to)
        return [{ rule: "exclusion", what: `the runs of terms ${span.term} and ${term} overlapped` }];
      if (term <= span.term) return [{ rule: "terms", what: `term ${term} began after term ${span.term}` }];
      return [];
    }),
  );
}

function table(history: readonly TickEvent[], ticks: ReadonlySet<string>): TickViolation[] {
  const row = history.find((event) => event.type === "row");
  if (row?.type !== "row") return [{ rule: "tick", what: "the lease row was never read" }];
  const told = new Set(history.flatMap(({ type, tick }) => (type === "completed" ? [tick] : [])));
  const known = new Set(history.flatMap(({ type, tick }) => (type === "unknown" ? [tick] : [])));
  return [
    ...[...told]
      .filter((tick) => !row.completed.includes(tick))
      .map((tick) => `tick ${tick} completed, and the row does not show it`),
    ...row.completed
      .filter((tick) => ticks.has(tick) && !told.has(tick) && !known.has(tick))
      .map((tick) => `the row shows tick ${tick}, and no run completed it`),
  ].map((what) => ({ rule: "tick", what }));
}
