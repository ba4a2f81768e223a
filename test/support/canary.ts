import { inspect } from "node:util";
import { expect } from "vitest";

/** A secret: no error, event or warning may hold it. It breaks every rule of characters that we have. */
export const CANARY = "c4n4ry s3cr3t!";

class Holder {
  secret = CANARY;
  toString() {
    return CANARY;
  }
  toJSON() {
    return CANARY;
  }
}

const cyclic: Record<string, unknown> = { secret: CANARY };
cyclic.self = cyclic;

/** What may be passed by mistake where something else is wanted. */
export const FORMS: Readonly<Record<string, unknown>> = {
  "a string": CANARY,
  "a long string": CANARY.repeat(200),
  "an array": [CANARY, [CANARY]],
  "a configuration": { region: CANARY, credentials: { accessKeyId: CANARY, sessionToken: CANARY } },
  "an object named by it": { [CANARY]: CANARY },
  "an object of a class": new Holder(),
  "an error": Object.assign(new Error(CANARY), { name: CANARY, code: CANARY, secret: CANARY }),
  "a cycle": cyclic,
  "a map": new Map([[CANARY, CANARY]]),
  "a symbol": Symbol(CANARY),
  "a proxy": new Proxy({ secret: CANARY }, {}),
  "a function that throws it": () => {
    throw new Error(CANARY);
  },
};

/** Every way in which a log may show a value. */
export function shown(value: unknown): string {
  const texts = [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }),
  ];
  try {
    texts.push(JSON.stringify(value) ?? "");
  } catch {
    // A cycle, which `inspect` has shown.
  }
  for (let error = value; error instanceof Error; error = error.cause) {
    texts.push(String(error), error.message, error.stack ?? "");
  }
  return texts.join("\n");
}

/** Any part of it would be too much. */
export function expectNoCanary(value: unknown): void {
  const text = shown(value);
  for (const part of ["c4n4ry", "s3cr3t"]) expect(text).not.toContain(part);
}

/** What it throws or rejects with; undefined when it does neither. */
export async function errorOf(start: () => unknown): Promise<unknown> {
  try {
    await start();
    return undefined;
  } catch (error) {
    return error;
  }
}
