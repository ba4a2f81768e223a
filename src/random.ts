/**
 * The source of jitter and ids unless another one is given: numbers in [0, 1). Never drawn ahead: two processes that start from one
 * snapshot would have the same ids.
 */
export function secureRandom(): number {
  const [bits] = crypto.getRandomValues(new Uint32Array(1));
  return (bits ?? 0) / 2 ** 32;
}

/** About 62 bits: two starts with the same label are still two candidates (pitfall: hostname as identity). */
export function randomPart(random: () => number): string {
  let part = "";
  for (let i = 0; i < 12; i++) part += Math.floor(random() * 36).toString(36);
  return part;
}
