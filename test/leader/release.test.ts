import { expect, test } from "vitest";
import { Stage } from "../support/stage.js";

/** Releases in an unusual order: from listeners, while an end is announced, after a drain that overran. */

const LEASE_MS = 3_000;

test("a listener of the end that resigns gets the outcome of the release under way, and there is one", async () => {
  const stage = new Stage();
  const { election, events } = stage.candidate("a");
  const leadership = await election.tryCampaign();
  let inner: Promise<unknown> | undefined;
  leadership?.signal.addEventListener("abort", () => {
    inner = leadership.resign();
  });
  const outer = leadership?.resign();
  await stage.advance(100);
  expect([await outer, await inner]).toEqual(["released", "released"]);
  expect(events.filter(({ type }) => type === "resigned")).toHaveLength(1);
});

test("so a run whose work resigns on abort still completes its tick", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  const running = election.runOnce("2026-01-01T00:00:00Z", (leadership) => {
    leadership.signal.addEventListener("abort", () => void leadership.resign());
  });
  await stage.advance(100);
  expect(await running).toMatchObject({ ran: true });
  const { election: other } = stage.candidate("b");
  expect(await other.runOnce("2026-01-01T00:00:00Z", () => {})).toMatchObject({
    ran: false,
    because: "done",
  });
});

test("a release while the announcement is under way leaves no timer", async () => {
  const stage = new Stage();
  const { election, clock } = stage.candidate("a");
  const leadership = await election.tryCampaign();
  await stage.advance(100);
  leadership?.stepDown();
  const released = leadership?.resign();
  await stage.until(() => election.role === "idle");
  expect(await released).toBe("released");
  await stage.advance(10);
  expect(clock.pendingTimers).toBe(0);
});

test("who resigns when told that the drain overran has given the lease back: it is trusted no more", async () => {
  const stage = new Stage();
  let released: Promise<unknown> | undefined;
  const passed: boolean[] = [];
  const { election } = stage.candidate("a", {
    stopTimeoutMs: 500,
    onEvent: ({ type }) => {
      if (type === "drain-overrun") released = leading?.resign();
    },
  });
  let leading: { resign(): Promise<unknown>; throwIfLost(): void } | undefined;
  const stop = new AbortController();
  const led = election.lead(
    async (leadership) => {
      leading = leadership;
      await stage.time.advance(0);
      await new Promise<void>((resolve) => stage.time.setTimer(LEASE_MS, resolve));
    },
    { signal: stop.signal, announce: false },
  );
  const rejected = expect(led).rejects.toMatchObject({ code: "WORK_NOT_STOPPED" });
  await stage.until(() => leading !== undefined);
  stop.abort();
  await stage.until(() => released !== undefined);
  try {
    leading?.throwIfLost();
    passed.push(true);
  } catch {}
  expect(passed).toEqual([]);
  await stage.advance(LEASE_MS);
  expect(await released).toBe("released");
  await rejected;
});
