import { expect, test } from "vitest";
import { Announcement } from "../../src/leader/announcement.js";
import { MIN_RELEASE_IN_MS } from "../../src/limits.js";

const DAY_MS = 86_400_000;

test("an announcement counts down, also when its moment is over", () => {
  const announcement = new Announcement("stepped-down", "c", 1_000, 60_000);
  expect(announcement.toSend(500)).toEqual({ inMs: 1_000, to: "c" });
  announcement.confirmed(510);
  expect(announcement.toSend(1_400)).toEqual({ inMs: 100, to: "c" });
  expect(announcement.toSend(9_000)).toEqual({ inMs: -7_500, to: "c" });
});

test.each([1, 2, 365])(
  "a leader that ignores it for %d days writes no less than every reader takes",
  (days) => {
    const announcement = new Announcement("stepped-down", undefined, 1_000, 60_000);
    announcement.toSend(0);
    announcement.confirmed(10);
    const { inMs } = announcement.toSend(days * DAY_MS + 1_001);
    expect(inMs).toBe(MIN_RELEASE_IN_MS);
  },
);

test("an announcement never goes beyond its share of the time to stop, however late it is sent", () => {
  const announcement = new Announcement("stepped-down", undefined, 1_000, 1_200);
  expect(announcement.toSend(0).inMs).toBe(1_000);
  announcement.notConfirmed();
  expect(announcement.toSend(700).inMs).toBe(500);
  announcement.confirmed(720);
  expect(announcement.toSend(1_300).inMs).toBe(-100);
});
