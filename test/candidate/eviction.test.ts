import { expect, test } from "vitest";
import { Stage } from "../support/stage.js";

const NAME = "billing/nightly";
const nobody = { leaseDurationMs: 3_000, renewIntervalMs: 1_000, value: undefined, expiresAt: undefined };

test("an acquire that saw an evicted row and lands late, after a deletion, never takes the lease of who led since", async () => {
  const stage = new Stage();
  const { table } = stage;
  const first = await stage.candidate("a").election.tryCampaign();
  await stage.advance(1_500);
  await table.evict({ election: NAME, term: first?.term ?? 0, at: undefined });
  const evicted = (await table.read(NAME)).lease;
  if (evicted === undefined) throw new Error("no row");
  table.deleteLease(NAME);
  const { election: second } = stage.candidate("c");
  let leading: { readonly term: number; throwIfLost(): void } | undefined;
  void second.campaign().then((leadership) => {
    leading = leadership;
  });
  await stage.until(() => leading !== undefined);
  // The number that the eviction used up is led now. Whatever is renewed, its pair is another.
  expect(leading?.term).toBe(evicted.term);
  const { term, revision } = evicted;
  const late = { ...nobody, candidateId: "b-1", attemptId: "1", at: undefined, basis: { term, revision } };
  for (let renewals = 0; renewals < 10; renewals++) {
    const answer = await table.acquire({ election: NAME, ...late, term: term + 1 });
    expect(answer.done).toBe(false);
    await stage.advance(1_000);
  }
  leading?.throwIfLost();
});
