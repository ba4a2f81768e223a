import { setTimeout as delay } from "node:timers/promises";
import { Holder } from "./holder.js";
import type { Laboratory } from "./laboratory.js";
import type { Measured } from "./measured.js";
import type { Row } from "./report.js";
import type { Usage } from "./session-messages.js";
import { median, rounded } from "./statistics.js";
import { dollarsOf, meanOf, used } from "./usage.js";

const LEASES = 1_000;
/** A renewal every 20 s: with the lease of the bench a thousand leases are too many writes for the machine. */
const TIMES = { leaseMs: 60_000, renewMs: 20_000 };
const INTERVALS = 3;
const TARGET = 100;

/**
 * A month of a thousand elections, with two processes that wait: by what the table says that it charges, with a session and
 * with a row that is renewed for each.
 */
export async function month(laboratory: Laboratory, all: readonly Measured[]): Promise<Row> {
  const plain = await eachARow(laboratory);
  const session = median(
    all
      .filter(({ leases }) => leases === LEASES)
      .map(
        ({ holder, waiting, intervals }) =>
          dollarsOf(holder, 1 / intervals) + dollarsOf(waiting, 2 / intervals),
      ),
  );
  const times = plain / session;
  return {
    part: "sessions: a month",
    name: `${LEASES.toLocaleString("en")} elections, renewed every 5 s`,
    unit: "$, by ReturnConsumedCapacity",
    figures: {
      "under a session": rounded(session, 2),
      "one row each": rounded(plain, 2),
      times: rounded(times, 0),
    },
    target: `≤ 1/${TARGET}`,
    met: times >= TARGET,
    context: { waitingProcesses: 2 },
    samples: [],
  };
}

async function eachARow(laboratory: Laboratory): Promise<number> {
  const config = { ...laboratory.holderConfig(LEASES), ...TIMES, form: "plain" } as const;
  const start = (label: string) => Holder.start(laboratory.programs.sessionWorker, { ...config, label });
  await using holder = await start("holder");
  await using first = await start("first");
  await using second = await start("second");
  holder.compete();
  await holder.until(() => holder.heldMs !== undefined);
  for (const one of [first, second]) {
    one.compete();
    await one.until(() => one.waitsMs !== undefined);
  }
  await delay(2 * TIMES.renewMs);
  const processes = [holder, first, second];
  const from = await Promise.all(processes.map((one) => one.usage()));
  await delay(INTERVALS * TIMES.renewMs);
  const to = await Promise.all(processes.map((one) => one.usage()));
  const each = meanOf(to.map((usage, i) => used(usage, from[i] as Usage)));
  return dollarsOf(each, processes.length / INTERVALS);
}
