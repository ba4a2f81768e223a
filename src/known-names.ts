import { Code, isPlain } from "./describe.js";
import { InvalidOptionError } from "./errors.js";

/** Refuses unknown option names. Otherwise a typing error would be ignored, and the default used. */

const ELECTION = new Code('{ client: new DynamoDBClient({}), name: "billing/nightly" }');

/** Names that users try, because other libraries have them, and the options that they mean. */
const MEANT: Record<string, string> = {
  election: "name",
  name: "election",
  candidateId: "label",
  ttl: "leaseDurationMs",
};
const OF_CLIENT = ["region", "endpoint", "credentials"];

/**
 * Throws unless each name of `options` is one of `known`. In `known`, options in groups have paths such as
 * `tuning.expiry`, so that the error can say where an option belongs. An option whose value is undefined counts as left
 * out.
 * @param group the path of `options`; undefined: the top level
 * @param example options that work
 */
export function checkNames(
  options: object,
  known: readonly string[],
  group?: string,
  example: unknown = ELECTION,
): void {
  if (typeof options !== "object" || options === null) {
    const rule = `must be an object with ${namesIn(known, group)}`;
    throw new InvalidOptionError(group ?? "options", rule, options, example);
  }
  const prefix = group === undefined ? "" : `${group}.`;
  for (const [place, [name, value]] of Object.entries(options).entries()) {
    if (value === undefined || (known.includes(prefix + name) && !name.includes("."))) continue;
    if (OF_CLIENT.includes(name) && known.includes("client")) {
      const suggestion = new Code(`client: new DynamoDBClient({ ${name} })`);
      throw new InvalidOptionError(prefix + name, "is an option of the client", value, suggestion);
    }
    const meant = Object.hasOwn(MEANT, name) ? MEANT[name] : undefined;
    const nearest = meant !== undefined && known.includes(meant) ? meant : nearestPath(name, known);
    if (nearest !== undefined) {
      throw new InvalidOptionError(
        prefix + name,
        `is not an option (did you mean ${nearest}?)`,
        value,
        new Code(nearest),
      );
    }
    // A name that resembles none of ours can be anything, even a secret from a file. It is not shown.
    throw new InvalidOptionError(
      group ?? "options",
      `name ${place + 1} is not one of ${namesIn(known, group)}`,
      value,
      undefined,
    );
  }
}

/** Returns the options in a group. A group must be an object literal: nobody reads into a class or a proxy. */
export function groupOf(
  group: string,
  value: unknown,
  known: readonly string[],
  suggestion: unknown,
): Record<string, unknown> {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || !isPlain(value)) {
    throw new InvalidOptionError(group, `must be an object with ${namesIn(known, group)}`, value, suggestion);
  }
  checkNames(value, known, group);
  return value as Record<string, unknown>;
}

/** The names of one level. */
function namesIn(known: readonly string[], group: string | undefined): string {
  const prefix = group === undefined ? "" : `${group}.`;
  const below = known.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  return below.filter((path) => !path.includes(".")).join(", ");
}

/** The path whose last name is similar to `name`: it begins with it, or at most a third of it differs. */
function nearestPath(name: string, known: readonly string[]): string | undefined {
  const sought = name.toLowerCase();
  let nearest: string | undefined;
  let smallest = Number.POSITIVE_INFINITY;
  for (const path of known) {
    const there = (path.split(".").pop() as string).toLowerCase();
    const begins = sought.length >= 4 && there.startsWith(sought);
    const distance = begins ? 1 : distanceOf(sought, there);
    const isLike = begins || distance <= Math.round(Math.max(sought.length, there.length) / 3);
    if (!isLike || distance >= smallest) continue;
    nearest = path;
    smallest = distance;
  }
  return nearest;
}

/** The number of characters to add, remove or change to make one word from the other. */
function distanceOf(a: string, b: string): number {
  // Longer than any option: not worth comparing.
  if (a.length > 40) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1);
    }
    row = next;
  }
  return row[b.length] as number;
}
