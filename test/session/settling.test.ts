import { expect, test } from "vitest";
import { LEASE_MS, never, passing, sessionScene, won } from "../support/session-scene.js";
import { gate } from "../support/stage.js";

/** Rule 14f: rows that the session would keep alive though nobody knows that it holds them. */

/** A lease that is held, and a release that the table refuses until its fault is taken away. */
async function led() {
  const scene = sessionScene();
  const { stage, process, faults } = scene;
  // The session lives on.
  await won(stage, process, "other");
  const election = process.elect();
  const leadership = await passing(stage, election.campaign());
  const resignInVain = async () => {
    faults.set("resign", () => Promise.reject(new Error("no")));
    expect(await passing(stage, leadership.resign())).toBe("unconfirmed");
  };
  return { ...scene, election, resignInVain };
}

/** The settler looks for the release of term 1, and reads when it is let. */
async function looking() {
  const scene = await led();
  const { stage, faults, resignInVain } = scene;
  const { opened, open } = gate();
  let isLooking = false;
  faults.set("readMany", async (pass) => {
    isLooking = true;
    await opened;
    return pass();
  });
  await resignInVain();
  await stage.until(() => isLooking, LEASE_MS);
  faults.delete("resign");
  return { ...scene, open };
}

test("an acquire that lands when nobody waits any more is given back", async () => {
  const { stage, process, faults, row } = sessionScene();
  await won(stage, process, "other");
  const late: Array<() => Promise<unknown>> = [];
  faults.set("acquire", (pass) => {
    late.push(pass);
    return never();
  });
  const stop = new AbortController();
  const bid = process.elect().campaign({ signal: stop.signal });
  bid.catch(() => {});
  await stage.until(() => late.length > 0);
  stop.abort(new Error("enough"));
  await expect(passing(stage, bid)).rejects.toThrow("enough");
  await stage.advance(20 * LEASE_MS);
  await late[0]?.();
  expect(await row()).toMatchObject({ kind: "held", session: process.session.id });
  await stage.advance(2 * LEASE_MS);
  expect(await row()).toMatchObject({ kind: "vacant", term: 1 });
  expect(process.session.isOpen).toBe(true);
});

test("a release that is not confirmed is settled later, while the session lives", async () => {
  const { stage, faults, row, resignInVain } = await led();
  await resignInVain();
  faults.delete("resign");
  await stage.advance(2 * LEASE_MS);
  expect(await row()).toMatchObject({ kind: "vacant", term: 1 });
});

test("the settler leaves a new leadership of the same candidate alone", async () => {
  const { stage, election, faults, row, resignInVain } = await led();
  await resignInVain();
  const second = await passing(stage, election.campaign());
  faults.delete("resign");
  expect(second.term).toBe(2);
  await stage.advance(20 * LEASE_MS);
  second.throwIfLost(1_000);
  expect(await row()).toMatchObject({ kind: "held", term: 2 });
});

test("what the settler reads late may be a new leadership of the same candidate: it is left alone", async () => {
  const { stage, election, row, open } = await looking();
  const second = await passing(stage, election.campaign());
  open();
  await stage.advance(LEASE_MS / 4);
  second.throwIfLost(1_000);
  expect(await row()).toMatchObject({ kind: "held", term: second.term });
});

test("what the settler reads while an acquire becomes a leadership is left alone, in whichever microtask it is read", async () => {
  for (let steps = 0; steps < 60; steps++) {
    const { stage, election, faults, row, open } = await looking();
    faults.set("acquire", async (pass) => {
      const answer = await pass();
      openAfter(steps, open);
      return answer;
    });
    const second = await passing(stage, election.campaign());
    await stage.advance(LEASE_MS / 4);
    second.throwIfLost(1_000);
    expect(await row(), `after ${steps} microtasks`).toMatchObject({ kind: "held", term: second.term });
  }
});

function openAfter(microtasks: number, open: () => void): void {
  if (microtasks === 0) open();
  else queueMicrotask(() => openAfter(microtasks - 1, open));
}
