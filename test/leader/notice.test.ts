import { expect, test } from "vitest";
import { noticeMs } from "../../src/leader/announcement.js";
import { Notice } from "../../src/leader/notice.js";
import { heldLease } from "../support/lease.js";

/** How long an end is announced before (rule 7e). */

const RENEW_MS = 1_000;
const rowWith = (line: string[]) => heldLease({ term: 1, revision: 1, holder: "a", line });

test("a candidate that has moved up in the line may still sleep as its old place says, for the longest poll interval", () => {
  const notice = new Notice(RENEW_MS);
  notice.stood(rowWith(["b", "c", "d", "e"]), 0);
  const goneMs = noticeMs(RENEW_MS, 3);
  notice.stood(rowWith(["e"]), goneMs - 1);
  expect(notice.msFor("e", goneMs - 1)).toBe(noticeMs(RENEW_MS, 3));
  expect(notice.msFor("e", goneMs)).toBe(noticeMs(RENEW_MS, 0));
  expect(notice.msFor("b", goneMs - 1)).toBe(noticeMs(RENEW_MS, 1));
});

test("a row that stands for long is one row, however often it is renewed", () => {
  const notice = new Notice(RENEW_MS);
  notice.stood(rowWith(["b", "c", "d", "e"]), 0);
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 10) notice.stood(rowWith(["e"]), nowMs);
  expect(notice.msFor("e", 60_000)).toBe(noticeMs(RENEW_MS, 0));
});
