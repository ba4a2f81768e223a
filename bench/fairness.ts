import { Contest } from "./contest.js";
import type { Laboratory } from "./laboratory.js";
import type { Row } from "./report.js";

const CANDIDATES = 5;
const ROTATIONS = 100;
/** Shorter than one renewal, so the leader hands over as soon as the line is known. */
const MAX_TENURE_MS = 500;
const FAIR = { turns: ROTATIONS / CANDIDATES, offBy: 2 };

/** How often each candidate leads with the order `ring`. */
export async function fairness(laboratory: Laboratory): Promise<Row[]> {
  laboratory.progress.begin("rotations", ROTATIONS);
  const config = { ...laboratory.config("fairness"), order: "ring", maxTenureMs: MAX_TENURE_MS } as const;
  await using contest = new Contest({ program: laboratory.programs.worker, config, size: CANDIDATES });
  await contest.fill();
  // One full round first, so that all candidates are in line.
  await contest.until(() => contest.starts.length >= CANDIDATES);
  const from = contest.starts.length;
  for (let turn = 1; turn <= ROTATIONS; turn++) {
    await contest.until(() => contest.starts.length >= from + turn);
    laboratory.progress.step();
  }
  const turns = contest.members.map(
    (one) => contest.starts.slice(from, from + ROTATIONS).filter(({ member }) => member === one).length,
  );
  const [least, most] = [Math.min(...turns), Math.max(...turns)];
  return [
    {
      part: "fairness",
      name: `${ROTATIONS} rotations among ${CANDIDATES} candidates, ring`,
      unit: "times leader",
      figures: { least, most },
      target: `each ${FAIR.turns} ± ${FAIR.offBy}`,
      met: least >= FAIR.turns - FAIR.offBy && most <= FAIR.turns + FAIR.offBy,
      context: { maxTenureMs: MAX_TENURE_MS },
      samples: turns,
    },
  ];
}
