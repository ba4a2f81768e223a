import { Code, isPlain } from "./describe.js";
import { InvalidOptionError } from "./errors.js";
import { nearestPath } from "./nearest-path.js";

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
