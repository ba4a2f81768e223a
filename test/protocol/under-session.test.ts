import { expect, test } from "vitest";
import { standing } from "../../src/protocol/under-session.js";
import { heldLease, vacantLease } from "../support/lease.js";

/** A lease under a session, as people see it. */

const LEASE = heldLease({ session: "s", leaseDurationMs: 48_000, renewIntervalMs: 24_000, renewedAt: 1_000 });
const SESSION = { holder: "s", term: 1, renewedAt: 90_000, renewedErrorMs: 500, expiresAt: 93_000 };
const LEFT = { ...SESSION, holder: undefined };

test("it has the times of its session, and lasts while that lives", () => {
  const { lease, over } = standing(LEASE, heldLease(SESSION));
  expect(over).toBeUndefined();
  expect(lease).toEqual({
    ...LEASE,
    renewedAt: 90_000,
    renewedErrorMs: 500,
    expiresAt: 93_000,
    leaseDurationMs: 3_000,
    renewIntervalMs: 1_000,
  });
});

test.each([
  ["a last will ended the session", { endReason: "crashed" as const }, ["crashed", 93_000]],
  [
    "it ran out, whenever it was sealed",
    { endReason: "expired" as const, endedAt: 99_000 },
    ["expired", 93_000],
  ],
  ["it was closed", { endReason: "resigned" as const, endedAt: 91_000 }, ["resigned", 91_000]],
])("it is over when %s", (_, end, [reason, at]) => {
  const { lease, over } = standing(LEASE, vacantLease({ ...LEFT, ...end }));
  expect(over).toMatchObject({ reason, at });
  expect(lease).toMatchObject({ kind: "held", holder: "a", expiresAt: at, renewedAt: 90_000 });
});

test("of a session whose row is gone nobody knows when it ended", () => {
  for (const gone of [undefined, vacantLease({ term: 1, endReason: "deleted" })]) {
    const { lease, over } = standing(LEASE, gone);
    expect([lease, over]).toEqual([LEASE, { reason: "expired", at: undefined, errorMs: undefined }]);
  }
});

test("a lease without a session, or without a holder, is what its row says", () => {
  for (const lease of [heldLease(), vacantLease(), undefined])
    expect(standing(lease, heldLease(SESSION))).toEqual({ lease, over: undefined });
});
