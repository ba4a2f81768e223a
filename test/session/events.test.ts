import { expect, test } from "vitest";
import type { ElectionEvent } from "../../src/index.js";
import { Stage } from "../support/stage.js";

/** Who hears what under a session. */

test("that answers contradict each other about the table's time is told once, by the session, however many elections there are", async () => {
  const stage = new Stage();
  const process = stage.session("a");
  const own: ElectionEvent[] = [];
  const onEvent = (event: ElectionEvent) => void own.push(event);
  const elections = Array.from({ length: 20 }, (_, i) =>
    process.elect(`many/${i}`, i % 2 ? { onEvent } : undefined),
  );
  for (const election of elections) await election.leader();
  // Both clocks of this host stand still.
  await stage.advance(60_000, { frozen: [process.clock] });
  for (const election of elections) await election.leader();
  const anomalies = (events: readonly ElectionEvent[]) =>
    events.filter(({ type }) => type === "clock-anomaly").map(({ election }) => election);
  expect(anomalies(process.events)).toEqual(["session"]);
  expect(anomalies(own)).toEqual([]);
});
