import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** JSON, one value a line. What a killed process left half written is no JSON, and is left out. */
export async function* objectsOf(stream: Readable): AsyncGenerator<unknown> {
  for await (const line of createInterface({ input: stream })) {
    const value = parsed(line);
    if (value !== undefined) yield value;
  }
}

/** The same, as each line comes. */
export function onObject(stream: Readable, heard: (value: unknown) => void): void {
  createInterface({ input: stream }).on("line", (line) => {
    const value = parsed(line);
    if (value !== undefined) heard(value);
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
