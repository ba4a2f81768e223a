import { setTimeout as delay } from "node:timers/promises";
import { Contest } from "./contest.js";
import type { Laboratory } from "./laboratory.js";
import type { Member } from "./member.js";
import { RENEW_MS, type RequestKind } from "./messages.js";
import type { Row } from "./report.js";
import { median, rounded } from "./statistics.js";
import { calm } from "./steady.js";

const ORDERS = ["arrival", "rank", "ring"] as const;
type OfLine = (typeof ORDERS)[number];

const CANDIDATES = 12;
const INTERVALS = 12;
/** Takeovers cost most of the time of this part. */
const TRIALS_A_TAKEOVER = 5;
const MAX_ACQUIRES = 3;
/** Time after the next leader's start. By then every other candidate that wants to try has tried. */
const AFTERMATH_MS = 1_500;

interface Request {
  readonly member: Member;
  readonly kind: RequestKind;
}

/** The requests of twelve candidates, by role, and how many candidates try to acquire a free lease. */
export async function requests(laboratory: Laboratory, trials: number): Promise<Row[]> {
  const takeovers = Math.max(2, Math.ceil(trials / TRIALS_A_TAKEOVER));
  laboratory.progress.begin(`takeovers among ${CANDIDATES}`, ORDERS.length * takeovers);
  const rows: Row[] = [];
  for (const order of ORDERS) rows.push(...(await measure(laboratory, order, takeovers)));
  return rows;
}

async function measure(laboratory: Laboratory, order: OfLine, takeovers: number): Promise<Row[]> {
  const config = { ...laboratory.config(`requests/${order}`), order };
  await using contest = new Contest({ program: laboratory.programs.worker, config, size: CANDIDATES });
  let sent: Request[] = [];
  contest.onRequest = (member, kind) => sent.push({ member, kind });
  const inStep = () => calm(laboratory, contest, { hasLine: true }, () => {});

  const { leader, standby } = await inStep();
  sent = [];
  await delay(INTERVALS * RENEW_MS);
  const perInterval = (members: readonly (Member | undefined)[]) =>
    rounded(sent.filter(({ member }) => members.includes(member)).length / INTERVALS / members.length, 2);
  const others = contest.members.filter((member) => member !== leader.member && member !== standby);
  const figures = {
    leader: perInterval([leader.member]),
    standby: perInterval([standby]),
    "each other": perInterval(others),
  };

  const acquires: number[] = [];
  for (let takeover = 0; takeover < takeovers; takeover++) {
    const calmness = await inStep();
    sent = [];
    // In every second trial the standby dies too: the candidates behind it must not all try either.
    const dying = takeover % 2 === 0 ? [calmness.leader.member] : [calmness.leader.member, calmness.standby];
    contest.kill(dying.filter((member) => member !== undefined));
    await contest.startAfter(calmness.leader.term);
    await delay(AFTERMATH_MS);
    acquires.push(sent.filter(({ kind }) => kind === "acquire").length);
    laboratory.progress.step();
  }
  const [most, usual] = [Math.max(...acquires), median(acquires)];
  const context = { candidates: CANDIDATES, renewalIntervals: INTERVALS, takeovers };
  const shared = { part: "requests", context } as const;
  return [
    {
      ...shared,
      name: `${order}: requests per renewal interval`,
      unit: "requests",
      figures,
      target: undefined,
      met: undefined,
      samples: [],
    },
    {
      ...shared,
      name: `${order}: acquire attempts per election`,
      unit: "attempts",
      figures: { median: usual, most },
      target: `most ≤ ${MAX_ACQUIRES}`,
      met: most <= MAX_ACQUIRES,
      samples: acquires,
    },
  ];
}
