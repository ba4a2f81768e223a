/** How many partitions must move, and whether they are spread evenly. Pure. */

/**
 * The fewest partitions that change hands until the members that are left hold the same number, to within one.
 * @param held how many each member holds that is alive after the change; 0 for one that joins.
 * @param count how many partitions there are. Those that no living member holds must move in any case.
 */
export function necessaryMoves(held: readonly number[], count: number): number {
  const level = Math.floor(count / held.length);
  const extra = count % held.length;
  const kept = held.reduce((sum, own) => sum + Math.min(own, level), 0);
  return count - kept - Math.min(extra, held.filter((own) => own > level).length);
}

export function isBalanced(held: readonly number[], count: number): boolean {
  const total = held.reduce((sum, own) => sum + own, 0);
  return total === count && Math.max(...held) - Math.min(...held) <= 1;
}
