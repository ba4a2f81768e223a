/**
 * What was asked of a counter, and what it showed at the end. `accepted`: the caller was told that one was added.
 * `refused`: told that nothing was. `unknown`: told neither.
 */
export type CountEvent =
  | {
      readonly type: "asked";
      readonly counter: string;
      readonly via: string;
      readonly outcome: "accepted" | "refused" | "unknown";
      /** The name of the error, and the codes of a cancelled transaction. */
      readonly error?: string;
      readonly reasons?: readonly string[];
    }
  | { readonly type: "counted"; readonly counter: string; readonly n: number };

/** Each accepted request counts once and each refused one never: one sentence for each counter that shows another sum. */
export function checkCounts(events: readonly CountEvent[]): string[] {
  const counted = new Map<string, number>();
  for (const event of events) if (event.type === "counted") counted.set(event.counter, event.n);
  const counters = new Set(events.map(({ counter }) => counter));
  return [...counters].flatMap((counter) => {
    const asked = events.filter((event) => event.type === "asked" && event.counter === counter);
    const told = (outcome: string) =>
      asked.filter((event) => event.type === "asked" && event.outcome === outcome).length;
    const [accepted, unknown] = [told("accepted"), told("unknown")];
    const n = counted.get(counter);
    if (n === undefined) return `The counter "${counter}" was never read.`;
    if (n >= accepted && n <= accepted + unknown) return [];
    const allowed = unknown === 0 ? `${accepted}` : `${accepted} to ${accepted + unknown}`;
    return `The counter "${counter}" shows ${n}, and ${allowed} writes were accepted.`;
  });
}
