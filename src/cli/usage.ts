/** A call that cannot be carried out as it was written: one line, exit code 2. */
export class UsageError extends Error {}

/** A whole number given as an option, or undefined when it was not given. */
export function wholeNumber(
  option: string,
  value: string | undefined,
  { least, most, wouldDo }: { least: number; most: number; wouldDo: number },
): number | undefined {
  if (value === undefined) return undefined;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(
    `--${option}: must be a whole number from ${least} to ${most}; received ${JSON.stringify(value)}, ${wouldDo} would do.`,
  );
}

/** citty ignores options it does not know; a mistyped one must not be ignored. */
export function refuseUnknown(rawArgs: readonly string[], args: object): void {
  const end = rawArgs.indexOf("--");
  for (const word of end < 0 ? rawArgs : rawArgs.slice(0, end)) {
    const [, short, long] = /^-(?:([^-].*)|-(?:no-)?([^=]+).*)$/.exec(word) ?? [];
    const name = long ?? short;
    if (name === undefined || word === "-h" || name === "help") continue;
    if (short !== undefined || !(name in args)) {
      const known = Object.keys(args).filter((arg) => !/^_|^election$/.test(arg));
      throw new UsageError(
        `${short === undefined ? "--" : "-"}${name}: no such option; there are ${known.map((arg) => `--${arg}`).join(", ")}.`,
      );
    }
  }
}
