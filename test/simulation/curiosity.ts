import type { Election } from "../../src/index.js";
import type { Host } from "./host.js";
import type { Random } from "./random.js";

/** A candidate that also asks who leads, who stands, and who led. */
export interface Asker {
  readonly host: Host;
  readonly election: Election;
  /** Of its calls under way, how many only read. */
  asking: number;
}

/** Also of a candidate that leads, and for health checks, until `isOver`. What any answer shows it has seen (rule 6a). */
export async function askNowAndThen(
  asker: Asker,
  random: Random,
  longestPauseMs: number,
  isOver: () => boolean,
  saw: (term: number) => void = () => {},
): Promise<void> {
  const { host, election } = asker;
  for (;;) {
    await new Promise<void>((resolve) => host.setTimer(random.between(0, longestPauseMs), resolve));
    if (isOver()) return;
    const call = random.pick([
      async () => {
        const leader = await election.leader();
        if (leader) saw(leader.term);
      },
      () => election.isWedged(),
      () => election.candidates(),
      () => election.history(),
    ]);
    await asked(asker, call);
  }
}

/** Whatever comes of it. */
export async function asked(asker: Asker, call: () => Promise<unknown>): Promise<void> {
  asker.asking += 1;
  await call().catch(() => {});
  asker.asking -= 1;
}
