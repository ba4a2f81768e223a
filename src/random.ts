/** Drawn together, because each draw has a cost of its own. */
const drawn = new Uint32Array(256);
let left = 0;

/** The source of jitter and ids unless another one is given: numbers in [0, 1). */
export function secureRandom(): number {
  if (left === 0) left = crypto.getRandomValues(drawn).length;
  left -= 1;
  return (drawn[left] ?? 0) / 2 ** 32;
}

/** About 62 bits: two starts with the same label are still two candidates (pitfall: hostname as identity). */
export function randomPart(random: () => number): string {
  let part = "";
  for (let i = 0; i < 12; i++) part += Math.floor(random() * 36).toString(36);
  return part;
}
