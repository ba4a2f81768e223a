/** Full-jitter exponential backoff: the wait before try `failures + 1`, in milliseconds. */
export function backoffMs(failures: number, longestMs: number, random: () => number): number {
  const ceiling = Math.min(longestMs, 50 * 2 ** Math.min(failures, 20));
  return ceiling / 2 + (ceiling / 2) * random();
}
