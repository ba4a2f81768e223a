/** The path whose last name is similar to `name`: it begins with it, or at most a third of it differs. */
export function nearestPath(name: string, known: readonly string[]): string | undefined {
  const sought = name.toLowerCase();
  let nearest: string | undefined;
  let smallest = Number.POSITIVE_INFINITY;
  for (const path of known) {
    const there = (path.split(".").pop() as string).toLowerCase();
    const begins = sought.length >= 4 && there.startsWith(sought);
    const distance = begins ? 1 : distanceOf(sought, there);
    const isLike = begins || distance <= Math.round(Math.max(sought.length, there.length) / 3);
    if (!isLike || distance >= smallest) continue;
    nearest = path;
    smallest = distance;
  }
  return nearest;
}

/** The number of characters to add, remove or change to make one word from the other. */
function distanceOf(a: string, b: string): number {
  // Longer than any option: not worth comparing.
  if (a.length > 40) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1);
    }
    row = next;
  }
  return row[b.length] as number;
}
