import { once } from "node:events";
import { expect, test } from "vitest";
import { isListeningTo, isRunning, onLinux } from "./support/processes.js";
import { Program } from "./support/program.js";

// The child inherits the output of its parent: a program is `silent` only when both are gone.

test("a child dies with its parent, even when the parent gets SIGKILL", async () => {
  await using parent = new Program("guarded-parent.ts");
  await parent.says("child");
  parent.child.kill("SIGKILL");
  await parent.silent;
});

test("a stopped child dies as well", async () => {
  await using parent = new Program("guarded-parent.ts");
  process.kill(await parent.says<number>("child"), "SIGSTOP");
  parent.child.kill("SIGKILL");
  await parent.silent;
});

test("a child's descendants die with it, if the group is guarded", async () => {
  await using parent = new Program("guarded-parent.ts", "group");
  process.kill(await parent.says<number>("grandchild"), "SIGSTOP");
  parent.child.kill("SIGKILL");
  await parent.silent;
});

test("neither guard nor child keeps the parent alive; the child dies with a parent that just ends", async () => {
  await using parent = new Program("guarded-parent.ts", "leaves");
  const [code, signal] = await once(parent.child, "exit");
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  await parent.silent;
});

test("the guard goes when its parent has gone", async () => {
  await using parent = new Program("guarded-parent.ts", "leaves");
  const guard = await parent.says<number>("guard");
  await parent.silent;
  await expect.poll(() => isRunning(guard), { timeout: 10_000 }).toBe(false);
});

test.runIf(onLinux).each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s: the guard stays", async (signal) => {
  await using parent = new Program("guarded-parent.ts");
  const guard = await parent.says<number>("guard");
  await parent.says("child");
  // SIGHUP is the last one that it learns to ignore; before that it would be replaced.
  await expect.poll(() => isListeningTo(guard, "SIGHUP"), { timeout: 10_000 }).toBe(true);
  process.kill(guard, signal);
  parent.child.kill("SIGKILL");
  await parent.silent;
});

test("a child guard that was killed is replaced", async () => {
  await using parent = new Program("guarded-parent.ts");
  process.kill(await parent.says<number>("guard"), "SIGKILL");
  expect(await parent.says<number>("guard", 2)).not.toBe(await parent.says<number>("guard"));
  await parent.says("child");
  parent.child.kill("SIGKILL");
  await parent.silent;
});
