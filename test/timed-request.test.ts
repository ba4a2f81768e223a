import { expect, test } from "vitest";
import { deferred } from "../src/async.js";
import { TableTime } from "../src/table-time.js";
import { ManualClock } from "../src/testing/index.js";
import { timedRequest } from "../src/timed-request.js";

const MINUTE_MS = 60_000;

test("an answer contradicts what was known when its request left, also if the answer to another request tells it first", async () => {
  const clock = new ManualClock(1_767_225_600_000);
  const time = new TableTime({ clock, leaseDurationMs: 3_000, maxServiceClockErrorMs: 1_000 }, () => {});
  const ask = () => {
    const { promise, resolve } = deferred<{ dateMs: number }>();
    const asked = timedRequest("ask", () => promise, { time, timeoutMs: 1_000 });
    return { asked, answer: (lateMs: number) => resolve({ dateMs: clock.wallMs() + lateMs }) };
  };
  const known = ask();
  known.answer(0);
  expect(await known.asked).toMatchObject({ contradicts: false });
  // Both clocks of this host have stood still.
  const acquire = ask();
  const beside = ask();
  beside.answer(MINUTE_MS);
  expect(await beside.asked).toMatchObject({ contradicts: true });
  acquire.answer(MINUTE_MS);
  expect(await acquire.asked).toMatchObject({ contradicts: true });
  const later = ask();
  later.answer(MINUTE_MS);
  expect(await later.asked).toMatchObject({ contradicts: false });
});
