import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Announcement, noticeMs } from "../../src/leader/announcement.js";
import { MAX_LINE } from "../../src/limits.js";
import {
  type Candidate,
  isOrder,
  keepsLine,
  lineOf,
  type Order,
  preemptedBy,
} from "../../src/protocol/line.js";
import {
  aliveMembers,
  deletableRows,
  lifetimeMs,
  MAX_DELETED,
  type Membership,
  updateMembership,
} from "../../src/protocol/membership.js";
import { boundsOf, serviceClockOf } from "../../src/protocol/service-clock.js";
import { pollsEvery } from "../../src/protocol/turns.js";
import type { CandidateRow } from "../../src/protocol/verbs.js";

const candidate = (candidateId: string, facts: Partial<Candidate> = {}): Candidate => ({
  candidateId,
  label: candidateId,
  arrival: 1,
  rank: 0,
  eligible: true,
  ...facts,
});

/** Candidates as a table may hold them: unique ids, ranks that may be equal, some not eligible. */
const anyCandidates = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 25 }).chain((arrivals) =>
  fc.tuple(
    ...arrivals.map((arrival) =>
      fc.record({ rank: fc.integer({ min: -3, max: 3 }), eligible: fc.boolean() }).map((facts) => ({
        ...candidate(`c${arrival}`, facts),
        arrival,
      })),
    ),
  ),
);
const anyOrder = fc.constantFrom<Order>("arrival", "rank", "ring", (a, b) => b.label.localeCompare(a.label));
const ids = (candidates: readonly Candidate[]) => candidates.map(({ candidateId }) => candidateId);

describe("the line", () => {
  test("is of those who may lead and do not, each once, and not longer than would ever be waited for", () => {
    fc.assert(
      fc.property(anyCandidates, anyOrder, fc.nat(60), (candidates, order, holder) => {
        const line = lineOf(order, candidates, { candidateId: `c${holder}`, arrival: holder });
        const mayLead = candidates.filter(
          ({ candidateId, eligible }) => eligible && candidateId !== `c${holder}`,
        );
        expect(new Set(line).size).toBe(line.length);
        expect(line).toHaveLength(Math.min(MAX_LINE, mayLead.length));
        for (const id of line) expect(ids(mayLead)).toContain(id);
      }),
    );
  });

  test("ends where nobody would ever wait so long", () => {
    const many = Array.from({ length: 40 }, (_, i) => candidate(`c${i}`, { arrival: i }));
    const line = lineOf("arrival", many, { candidateId: "c0", arrival: 0 });
    expect(line).toEqual(ids(many).slice(1, 1 + MAX_LINE));
  });

  test("does not depend on the order in which the rows are read, and leaves them as they were", () => {
    fc.assert(
      fc.property(anyCandidates, anyOrder, fc.nat(60), (candidates, order, arrival) => {
        const holder = { candidateId: `c${arrival}`, arrival };
        const before = ids(candidates);
        const line = lineOf(order, candidates, holder);
        expect(lineOf(order, [...candidates].reverse(), holder)).toEqual(line);
        expect(ids(candidates)).toEqual(before);
      }),
    );
  });

  test("nobody goes before another that the order puts first", () => {
    const before: Record<string, (a: Candidate, b: Candidate) => boolean> = {
      arrival: (a, b) => a.arrival < b.arrival,
      rank: (a, b) => a.rank > b.rank || (a.rank === b.rank && a.arrival < b.arrival),
    };
    fc.assert(
      fc.property(
        anyCandidates,
        fc.constantFrom<"arrival" | "rank">("arrival", "rank"),
        (candidates, order) => {
          const line = lineOf(order, candidates, { candidateId: "holder", arrival: 0 });
          const inLine = line.map((id) => candidates.find((one) => one.candidateId === id) as Candidate);
          for (const [i, one] of inLine.entries()) {
            const next = inLine[i + 1];
            if (next)
              expect(before[order]?.(one, next), `${one.candidateId} before ${next.candidateId}`).toBe(true);
          }
        },
      ),
    );
  });

  test("of a ring starts after the holder and comes round to it", () => {
    const five = [3, 1, 5, 2, 4].map((arrival) => candidate(`c${arrival}`, { arrival }));
    const from = (arrival: number) => lineOf("ring", five, { candidateId: `c${arrival}`, arrival }).join(" ");
    expect(from(1)).toBe("c2 c3 c4 c5");
    expect(from(3)).toBe("c4 c5 c1 c2");
    expect(from(5)).toBe("c1 c2 c3 c4");
    // A holder that never joined comes before all.
    expect(lineOf("ring", five, { candidateId: "x", arrival: undefined }).join(" ")).toBe("c1 c2 c3 c4 c5");
  });

  test("of a ring is fair: after n rounds, everybody has led n times", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(1_000), { minLength: 2, maxLength: 12 }),
        fc.nat(5),
        (arrivals, rounds) => {
          const ring = arrivals.map((arrival) => candidate(`c${arrival}`, { arrival }));
          const led = new Map<string, number>();
          let holder = ring[0] as Candidate;
          for (let i = 0; i < rounds * ring.length; i++) {
            const [next] = lineOf("ring", ring, holder);
            holder = ring.find(({ candidateId }) => candidateId === next) as Candidate;
            led.set(holder.candidateId, (led.get(holder.candidateId) ?? 0) + 1);
          }
          for (const count of led.values()) expect(count).toBe(rounds);
        },
      ),
    );
  });

  test("of one's own order; whom it puts level, or cannot compare, go by arrival", () => {
    const three = [
      candidate("late", { arrival: 3, value: "v2" }),
      candidate("old", { arrival: 1, value: "v1" }),
      candidate("early", { arrival: 2, value: "v2" }),
    ];
    const byVersion: Order = (a, b) => (b.value ?? "").localeCompare(a.value ?? "");
    const holder = { candidateId: "x", arrival: 9 };
    expect(lineOf(byVersion, three, holder)).toEqual(["early", "late", "old"]);
    expect(lineOf(() => Number.NaN, three, holder)).toEqual(["old", "early", "late"]);
  });

  test("is not kept by random", () => {
    expect(lineOf("random", [candidate("a")], { candidateId: "x", arrival: 0 })).toEqual([]);
    expect(keepsLine("random")).toBe(false);
    for (const order of ["arrival", "rank", "ring", () => 0] as Order[]) expect(keepsLine(order)).toBe(true);
  });

  test.each(["", "ranks", undefined, null, 7, {}])("%j is no order", (order) => {
    expect(isOrder(order)).toBe(false);
  });
});

describe("preemption", () => {
  const candidates = [
    candidate("level", { rank: 5 }),
    candidate("higher", { rank: 6 }),
    candidate("highest", { rank: 7, eligible: false }),
    candidate("lower", { rank: 4 }),
  ];

  test("is by a strictly higher rank only: equal ones never take over from each other", () => {
    const line = lineOf("rank", candidates, { candidateId: "holder", arrival: 0 });
    expect(preemptedBy(candidates, line, 5)).toBe("higher");
    expect(preemptedBy(candidates, line, 6)).toBeUndefined();
  });

  test("is by the first of the line, never by one that is not in it", () => {
    fc.assert(
      fc.property(anyCandidates, fc.integer({ min: -4, max: 4 }), (all, holderRank) => {
        const line = lineOf("rank", all, { candidateId: "holder", arrival: 0 });
        const by = preemptedBy(all, line, holderRank);
        const head = all.find(({ candidateId }) => candidateId === line[0]);
        expect(by).toBe(head && head.rank > holderRank ? head.candidateId : undefined);
      }),
    );
  });
});

describe("the membership", () => {
  const REFRESH_MS = 1_000;
  const row = (candidateId: string, facts: Partial<CandidateRow> = {}): CandidateRow => ({
    ...candidate(candidateId),
    heartbeat: 1,
    refreshIntervalMs: REFRESH_MS,
    ...facts,
  });
  const at = (ms: number) => ({ monotonicMs: ms, wallMs: 5_000_000 + ms });
  const aliveAt = (membership: Membership, ms: number) =>
    aliveMembers(membership, at(ms), undefined).map(({ candidateId }) => candidateId);

  test("counts a candidate as long as its row goes on changing, by the reader's own clock", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2_400 }), { maxLength: 20 }), (gaps) => {
        let nowMs = 0;
        let membership = updateMembership(new Map(), [row("a")], nowMs);
        for (const [i, gap] of gaps.entries()) {
          nowMs += gap;
          expect(aliveAt(membership, nowMs)).toEqual(["a"]);
          membership = updateMembership(membership, [row("a", { heartbeat: i + 2 })], nowMs);
        }
        expect(aliveAt(membership, nowMs + lifetimeMs(REFRESH_MS))).toEqual(["a"]);
        expect(aliveAt(membership, nowMs + lifetimeMs(REFRESH_MS) + 1)).toEqual([]);
      }),
    );
  });

  test("reading the same row again does not prolong its life; a heartbeat brings it back", () => {
    let membership = updateMembership(new Map(), [row("a")], 0);
    for (let ms = 500; ms <= 5_000; ms += 500) membership = updateMembership(membership, [row("a")], ms);
    expect(aliveAt(membership, 5_000)).toEqual([]);
    membership = updateMembership(membership, [row("a", { heartbeat: 2 })], 5_500);
    expect(aliveAt(membership, 5_500)).toEqual(["a"]);
  });

  test("does not count whose row is gone", () => {
    const membership = updateMembership(new Map(), [row("a"), row("b")], 0);
    expect(aliveAt(updateMembership(membership, [row("b")], 100), 100)).toEqual(["b"]);
  });

  test("a row that a late refresh brings back after its deletion counts for one lifetime, or to its end", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.nat(10_000),
        fc.nat(10_000),
        (goneMs, backMs, ms) => {
          const gone = updateMembership(updateMembership(new Map(), [row("a")], 0), [], goneMs);
          const returnedMs = goneMs + backMs;
          const back = updateMembership(
            updateMembership(gone, [row("a")], returnedMs),
            [row("a")],
            returnedMs + ms,
          );
          expect(aliveAt(back, returnedMs + ms)).toEqual(ms <= lifetimeMs(REFRESH_MS) ? ["a"] : []);
        },
      ),
    );
    const service = serviceClockOf(boundsOf({ dateMs: 5_000_000, sent: at(0), received: at(20) }, 0), 0);
    const late = row("a", { expiresAt: 4_999_999 });
    const back = updateMembership(
      updateMembership(updateMembership(new Map(), [late], 0), [], 10),
      [late],
      20,
    );
    expect(aliveMembers(back, at(20), service)).toEqual([]);
  });

  test("does not count who did not come when called on, until it is seen to live", () => {
    const suspects = new Set(["a"]);
    let membership = updateMembership(new Map(), [row("a"), row("b")], 0, suspects);
    expect(aliveAt(membership, 0)).toEqual(["b"]);
    membership = updateMembership(membership, [row("a"), row("b")], 500, suspects);
    expect(aliveAt(membership, 500)).toEqual(["b"]);
    membership = updateMembership(membership, [row("a", { heartbeat: 2 }), row("b")], 900, suspects);
    expect(aliveAt(membership, 900)).toEqual(["a", "b"]);
  });

  test("a newcomer need not wait for a candidate that is long dead: its row says until when it was good", () => {
    const service = serviceClockOf(boundsOf({ dateMs: 5_000_000, sent: at(0), received: at(20) }, 0), 0);
    const dead = updateMembership(new Map(), [row("a", { expiresAt: 4_000_000 })], 20);
    expect(aliveMembers(dead, at(20), service)).toEqual([]);
    const alive = updateMembership(new Map(), [row("a", { expiresAt: 5_002_000 })], 20);
    expect(aliveMembers(alive, at(20), service)).toHaveLength(1);
    // Without the table's clock, by observation.
    expect(aliveMembers(dead, at(20), undefined)).toHaveLength(1);
  });
});

describe("the rows of the dead", () => {
  const REFRESH_MS = 1_000;
  const at = (ms: number) => ({ monotonicMs: ms, wallMs: 5_000_000 + ms });
  const endedAt = (candidateId: string, expiresAt: number | undefined): CandidateRow => ({
    ...candidate(candidateId),
    ...{ heartbeat: 1, refreshIntervalMs: REFRESH_MS, expiresAt },
  });
  // No earlier than 5,000 s, no later than 5,001.02 s.
  const service = serviceClockOf(boundsOf({ dateMs: 5_000_000, sent: at(0), received: at(20) }, 0), 0);
  const LONG_MS = 4 * lifetimeMs(REFRESH_MS);
  const deleted = (rows: CandidateRow[], me = "me") =>
    deletableRows(rows, me, at(20), service).map(({ candidateId }) => candidateId);

  test("are deleted once they have surely been dead for four lifetimes, by the table's clock", () => {
    expect(deleted([endedAt("a", 5_000_000 - LONG_MS - 1)])).toEqual(["a"]);
    expect(deleted([endedAt("a", 5_000_000 - LONG_MS)])).toEqual([]);
    expect(deleted([endedAt("a", 5_000_000 - 1)])).toEqual([]);
  });

  test("are never deleted by observation alone, nor the reader's own", () => {
    const rows = [endedAt("a", undefined), endedAt("b", 1), endedAt("me", 1)];
    expect(deleted(rows)).toEqual(["b"]);
    expect(deletableRows(rows, "me", at(1e9), undefined)).toEqual([]);
  });

  test("are deleted some at a time", () => {
    const rows = Array.from({ length: 3 * MAX_DELETED }, (_, i) => endedAt(`c${i}`, 1));
    expect(deleted(rows)).toHaveLength(MAX_DELETED);
  });
});

describe("an announcement", () => {
  test("counts down to one moment, which stands from the first renewal that told it", () => {
    const announcement = new Announcement("rotated", "b", 1_000, 60_000);
    expect(announcement.isSent).toBe(false);
    expect(announcement.toSend(500)).toEqual({ inMs: 1_000, to: "b" });
    expect(announcement.isSent).toBe(true);
    expect(announcement.confirmed(520)).toBe(980);
    expect(announcement.toSend(900)).toEqual({ inMs: 600, to: "b" });
    announcement.notConfirmed(); // a later renewal failed: those who heard the first rely on it
    expect(announcement.toSend(1_400)).toEqual({ inMs: 100, to: "b" });
    // Its work still drains: how long already.
    expect(announcement.toSend(9_000)).toEqual({ inMs: -7_500, to: "b" });
    expect(announcement.confirmed(9_000)).toBe(0);
  });

  test("that perhaps nobody heard begins anew, so that the notice is never shorter than it should be", () => {
    const announcement = new Announcement("resigned", undefined, 1_000, 60_000);
    announcement.toSend(0);
    announcement.notConfirmed();
    expect(announcement.toSend(800)).toEqual({ inMs: 1_000, to: undefined });
  });

  test("is long enough for each place of the line to look once", () => {
    for (const place of [0, 1, 2, 3, 7]) {
      expect(noticeMs(1_000, place)).toBeGreaterThan(1_000 * pollsEvery(place));
    }
    expect(noticeMs(1_000, 7)).toBe(noticeMs(1_000, 3));
  });
});
