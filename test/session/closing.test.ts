import { expect, test } from "vitest";
import { type Leadership, SessionClosedError } from "../../src/index.js";
import { sessionRowName } from "../../src/protocol/sessions.js";
import { LEASE_MS, never, passing, sessionScene, untilEnd, won } from "../support/session-scene.js";

/** Rule 14j: how a session ends, and what it leaves. */

test("a session that holds nothing gives its row back, and nothing is left running", async () => {
  const { stage, process, row } = sessionScene();
  const leadership = await won(stage, process);
  const { id = "" } = process.session;
  await passing(stage, leadership.resign());
  await stage.advance(3 * LEASE_MS);
  expect(process.session.isOpen).toBe(false);
  expect(await row(sessionRowName(id))).toMatchObject({ kind: "vacant", endReason: "resigned" });
  expect(stage.pendingTimers).toBe(0);
  await won(stage, process);
  expect(process.session.id).not.toBe(id);
});

test("closing ends each call in its way, and gives all back", async () => {
  const { stage, process, row } = sessionScene();
  const life = process.elect("led").lead(untilEnd);
  const other = await passing(stage, stage.candidate("b", { name: "waits" }).election.campaign());
  const waiting = process.elect("waits").campaign();
  waiting.catch(() => {});
  await stage.advance(LEASE_MS);
  const { id = "" } = process.session;
  expect(await passing(stage, process.session.close())).toBe("released");
  expect(await passing(stage, life)).toBeUndefined();
  await expect(waiting).rejects.toThrow(SessionClosedError);
  await expect(process.elect("led").lead(untilEnd)).rejects.toThrow(SessionClosedError);
  expect(await row("led")).toMatchObject({ kind: "vacant", endReason: "resigned" });
  expect(await row(sessionRowName(id))).toMatchObject({ kind: "vacant", endReason: "resigned" });
  await passing(stage, other.resign());
  expect(stage.pendingTimers).toBe(0);
});

test("closing under work that does not stop: the session's row is not given back, and runs out", async () => {
  const { stage, process, row } = sessionScene({ stopTimeoutMs: 1_000 });
  let leadership: Leadership | undefined;
  const life = process.elect().lead((own) => {
    leadership = own;
    return never();
  });
  life.catch(() => {});
  await stage.until(() => leadership !== undefined);
  const { id = "" } = process.session;
  expect(await passing(stage, process.session.close())).toBe("unconfirmed");
  await expect(passing(stage, life)).rejects.toMatchObject({ code: "WORK_NOT_STOPPED" });
  await stage.advance(10 * LEASE_MS);
  expect(leadership?.remainingMs()).toBe(0);
  expect(await row(sessionRowName(id))).toMatchObject({ kind: "held" });
});

test("closing does not hang on a dead table", async () => {
  const { stage, process, faults } = sessionScene({ stopTimeoutMs: 5_000 });
  const life = process.elect().lead(untilEnd);
  await stage.until(() => process.session.isOpen);
  await stage.advance(200);
  for (const verb of ["renew", "resign", "read", "readMany"] as const) faults.set(verb, never);
  const outcome = await passing(stage, process.session.close(), 8_000);
  expect(outcome).toBe("lost");
  await passing(stage, life, 8_000);
});
