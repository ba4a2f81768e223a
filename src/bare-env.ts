/**
 * What Node itself needs to start, and to trust the table's certificate as this process does. Everything else stays
 * here: the environment has the credentials.
 */
const NEEDED = [
  "LD_LIBRARY_PATH",
  "SystemRoot",
  "NODE_EXTRA_CA_CERTS",
  "NODE_USE_SYSTEM_CA",
  "NODE_TLS_REJECT_UNAUTHORIZED",
] as const;

/** The environment of what sends signed requests: a companion process, and our threads. */
export function bareEnv(): Record<string, string> {
  return Object.fromEntries(
    NEEDED.flatMap((name): [string, string][] => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
