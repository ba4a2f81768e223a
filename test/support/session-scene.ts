import type { Leadership } from "../../src/index.js";
import { between, type Process, Stage, type Verb } from "./stage.js";

export const LEASE_MS = 3_000;
export const NAME = "billing/nightly";

export const never = () => new Promise<never>(() => {});

/** A process with a session. Its requests are counted, and a fault can meddle with each kind of them. */
export function sessionScene(options: object = {}) {
  const stage = new Stage();
  const faults = new Map<Verb, (pass: () => Promise<unknown>) => Promise<unknown>>();
  const verbs: Verb[] = [];
  const store = between(stage.table, (verb, pass) => {
    verbs.push(verb);
    return (faults.get(verb) ?? ((go) => go()))(pass);
  });
  const row = async (name = NAME) => (await stage.table.read(name)).lease;
  const process = stage.session("a", { store, ...options });
  return { stage, faults, verbs, row, process, ...process };
}

/** Lets staged time pass until the promise is settled. */
export async function passing<T>(stage: Stage, promise: Promise<T>, limitMs = 120_000): Promise<T> {
  let isSettled = false;
  const done = () => {
    isSettled = true;
  };
  promise.then(done, done);
  await stage.until(() => isSettled, limitMs);
  return promise;
}

export function won(stage: Stage, { elect }: Process, name = NAME): Promise<Leadership> {
  return passing(stage, elect(name).campaign());
}

/** Work that goes on as long as its leadership. */
export function untilEnd({ signal }: Leadership): Promise<void> {
  return new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
