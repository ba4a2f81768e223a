import { expect, test } from "vitest";
import type { Turn } from "../../src/candidate/under.js";
import { Gate } from "../../src/session/gate.js";

/** Tasks that end when they are told to. */
function tasksOf(width: number) {
  const gate = new Gate(width);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  let running = 0;
  let most = 0;
  const add = (name: string, turn?: Turn) =>
    gate.run(async () => {
      begun.push(name);
      most = Math.max(most, ++running);
      await new Promise<void>((end) => ends.set(name, end));
      running -= 1;
      return name;
    }, turn);
  const end = async (name: string) => {
    ends.get(name)?.();
    for (let i = 0; i < 10; i++) await undefined;
  };
  return { add, end, begun, most: () => most };
}

test("never more tasks at a time than its width, and all have their turn", async () => {
  const { add, end, begun, most } = tasksOf(3);
  const names = Array.from({ length: 20 }, (_, i) => `${i}`);
  const all = names.map((name) => add(name, "claim"));
  for (const name of names) await end(name);
  expect(await Promise.all(all)).toEqual(names);
  expect(begun).toEqual(names);
  expect(most()).toBe(3);
});

test("what finishes something goes first, then claims, then looks", async () => {
  const { add, end, begun } = tasksOf(1);
  void add("first", "look");
  void add("look", "look");
  void add("claim", "claim");
  void add("end");
  void add("another end", "finish");
  for (const name of ["first", "end", "another end", "claim", "look"]) await end(name);
  expect(begun).toEqual(["first", "end", "another end", "claim", "look"]);
});

test("a task that fails leaves its place to the next one", async () => {
  const gate = new Gate(1);
  const failed = gate.run(() => Promise.reject(new Error("no")));
  const next = gate.run(async () => "yes");
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe("yes");
});
