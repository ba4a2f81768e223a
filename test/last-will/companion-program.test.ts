import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { COMPANION_PROGRAM } from "../../src/last-will/programs.js";
import { FakeService, failed, refusedBy, written } from "../support/fake-service.js";
import { isAlive, isListeningTo, onLinux } from "../support/processes.js";

/** The companion's program by itself. A parent that it does not have counts as dead. */
const DEAD = 999_999_999;

function companion(parent: number, ...messages: object[]): ChildProcess & AsyncDisposable {
  const child = spawn(process.execPath, ["-e", COMPANION_PROGRAM, `${parent}`], {
    stdio: ["pipe", "ignore", "inherit"],
    env: {},
  });
  for (const message of messages) child.stdin?.write(`${JSON.stringify(message)}\n`);
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      const isOver = child.exitCode !== null || child.signalCode !== null;
      if (!isOver && child.kill("SIGKILL")) await once(child, "exit");
    },
  });
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, "exit");
  return child.exitCode;
}

const basis = { term: 4, revision: 40 };
const conflict = failed("TransactionConflictException");
const otherRefusal = failed("ConditionalCheckFailedException");

test("each will is tried until it is settled, or until that is not worth it", async () => {
  await using service = await FakeService.start();
  const cases = [
    ["/written", 1, service.will("/written", [written])],
    ["/refused", 1, service.will("/refused", [refusedBy(5, 50), written])],
    ["/not-begun", 3, service.will("/not-begun", [refusedBy(4, 40), refusedBy(4, 40), written], { basis })],
    ["/other-term", 1, service.will("/other-term", [refusedBy(5, 40), written], { basis })],
    ["/other-revision", 1, service.will("/other-revision", [refusedBy(4, 41), written], { basis })],
    ["/deleted", 1, service.will("/deleted", [otherRefusal, written], { basis })],
    ["/conflict", 2, service.will("/conflict", [conflict, written])],
    ["/throttled", 2, service.will("/throttled", [failed("ThrottlingException"), written])],
    ["/faulty", 2, service.will("/faulty", [failed("InternalServerError", 500), written])],
    ["/broken", 3, service.will("/broken", ["broken", "broken", written])],
    ["/no-access", 1, service.will("/no-access", [failed("AccessDeniedException"), written])],
    ["/late", 1, service.will("/late", ["no answer"], { worthMs: 1_000 })],
  ] as const;
  const wills = cases.map(([key, , will]) => ({ key, will }));
  await using child = companion(DEAD, { key: "/written", will: service.will("/replaced") }, ...wills);
  child.stdin?.write(
    `${JSON.stringify({ key: "/cleared", will: service.will("/cleared") })}\n{"key":"/cleared"}\n`,
  );
  child.stdin?.end('{"key":"/half');
  expect(await exitCode(child)).toBe(0);
  expect(Object.fromEntries(cases.map(([key]) => [key, service.timesOf(key)]))).toEqual(
    Object.fromEntries(cases.map(([key, times]) => [key, times])),
  );
  expect(service.got).toHaveLength(cases.reduce((sum, [, times]) => sum + times, 0));
});

test("a service that never answers: it gives up, and ends", async () => {
  await using service = await FakeService.start();
  const conflicts = service.will("/conflict", [conflict], { worthMs: 1_000 });
  await using child = companion(DEAD, { key: "a", will: conflicts });
  child.stdin?.end();
  expect(await exitCode(child)).toBe(0);
  expect(service.timesOf("/conflict")).toBeGreaterThan(1);
});

test("its pipe ends and its parent lives: it sends nothing, and ends", async () => {
  await using service = await FakeService.start();
  await using child = companion(process.pid, {
    key: "a",
    will: service.will("/a", [written], { worthMs: 300 }),
  });
  child.stdin?.end();
  expect(await exitCode(child)).toBe(0);
  expect(service.got).toEqual([]);
});

test("without a will it ends at once, also when its parent lives", async () => {
  await using service = await FakeService.start();
  await using child = companion(process.pid, { key: "a", will: service.will("/a") }, { key: "a" });
  child.stdin?.end();
  expect(await exitCode(child)).toBe(0);
  expect(service.got).toEqual([]);
});

test("no will is sent before the last process of the group has ended", async () => {
  await using service = await FakeService.start();
  const work = spawn("sleep", ["100"], { detached: true, stdio: "ignore" });
  const group = work.pid as number;
  const wasAlive: boolean[] = [];
  service.onRequest = () => wasAlive.push(isAlive(-group));
  await using child = companion(
    DEAD,
    { group: "starting" },
    { key: "a", will: service.will("/a") },
    { group },
  );
  // It ends before the work does: another one, which does not wait, shows that this one would have been heard.
  child.stdin?.end();
  await using other = companion(DEAD, { key: "b", will: service.will("/b") });
  other.stdin?.end();
  await service.asked("/b");
  expect(service.timesOf("/a")).toBe(0);
  work.kill("SIGKILL");
  expect(await exitCode(child)).toBe(0);
  expect(wasAlive).toEqual([true, false]);
});

test("work that was about to start when its parent died counts as running", async () => {
  await using service = await FakeService.start();
  const will = service.will("/a", [written], { worthMs: 300 });
  await using child = companion(DEAD, { key: "a", will }, { group: "starting" });
  child.stdin?.end();
  expect(await exitCode(child)).toBe(0);
  expect(service.got).toEqual([]);
});

test.runIf(onLinux)("it ignores the signals that stop a whole service", async () => {
  await using service = await FakeService.start();
  await using child = companion(DEAD, { key: "a", will: service.will("/a") });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const pid = child.pid as number;
  await expect
    .poll(() => signals.every((signal) => isListeningTo(pid, signal)), { timeout: 60_000 })
    .toBe(true);
  for (const signal of signals) child.kill(signal);
  child.stdin?.end();
  expect(await exitCode(child)).toBe(0);
  expect(service.got).toEqual(["/a"]);
});
