import type { MemberPlayer } from "./partitions-referee.js";
import type { Random } from "./random.js";
import type { World } from "./world.js";

const COUNTS = [1, 3, 8, 12, 20];

/** How many partitions there are, as a deploy changes it: each member hears of it in a moment of its own. */
export class Counts {
  #agreed: number;

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {
    this.#agreed = random.pick(COUNTS);
  }

  /** What all members know once the last change has reached them, and what a new one is started with. */
  get agreed(): number {
    return this.#agreed;
  }

  /** Another one than what is agreed. */
  another(): number {
    return this.random.pick(COUNTS.filter((count) => count !== this.#agreed));
  }

  /** Undefined: it is the least already. */
  lower(): number | undefined {
    const lower = COUNTS.filter((count) => count < this.#agreed);
    return lower.length > 0 ? this.random.pick(lower) : undefined;
  }

  /** Every member has it after this time. If another change comes meanwhile, it has that. */
  rollOut(count: number, players: readonly MemberPlayer[], withinMs: number): void {
    this.#agreed = count;
    for (const player of players)
      this.world.after(withinMs && this.random.between(0, withinMs), () => this.#tell(player));
  }

  /** These alone, until the next change. */
  differ(count: number, players: readonly MemberPlayer[]): void {
    for (const { host, partitions } of players) host.whenRunning(() => partitions.setCount(count));
  }

  #tell({ host, partitions }: MemberPlayer): void {
    host.whenRunning(() => partitions.setCount(this.#agreed));
  }
}
