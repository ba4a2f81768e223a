import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { dieWithUs } from "../../src/child-guard.js";
import { objectsOf } from "./lines.js";
import type { ClockSkew } from "./schedule.js";

/** The environment that gives a process other clocks than the machine's. */
export type SkewEnv = (clock: ClockSkew) => NodeJS.ProcessEnv;

/** libfaketime, when it is there and moves Node's clocks as it should; undefined when not. */
export async function findSkewedClocks(): Promise<SkewEnv | undefined> {
  const library = libraries().find((path) => existsSync(path));
  if (library === undefined) return undefined;
  const envOf: SkewEnv = ({ offset, rate }) => ({
    LD_PRELOAD: library,
    FAKETIME: rate === 1 ? offset : `${offset} x${rate}`,
  });
  return (await works(envOf({ offset: "+5h", rate: 2 }))) ? envOf : undefined;
}

function libraries(): string[] {
  const roots = ["/usr/lib", "/usr/local/lib", "/usr/lib64"].filter((root) => existsSync(root));
  const folders = roots.flatMap((root) => [
    join(root, "faketime"),
    ...readdirSync(root).map((name) => join(root, name, "faketime")),
  ]);
  return ["libfaketimeMT.so.1", "libfaketime.so.1"].flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  );
}

const TELL_BOTH_CLOCKS = `
const tell = () => console.log(JSON.stringify([Date.now(), performance.now()]));
process.stdin.on("data", tell).on("end", () => process.exit());
tell();
`;

const WATCHED_MS = 300;
const FIVE_HOURS_MS = 5 * 3_600_000;

async function works(env: NodeJS.ProcessEnv): Promise<boolean> {
  const child = spawn(process.execPath, ["-e", TELL_BOTH_CLOCKS], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "ignore"],
  });
  dieWithUs(child);
  const told: (readonly [wallMs: number, monotonicMs: number, realMs: number])[] = [];
  for await (const clocks of objectsOf(child.stdout)) {
    const [wallMs, monotonicMs] = clocks as [number, number];
    told.push([wallMs, monotonicMs, performance.now()]);
    if (told.length === 2) child.stdin.end();
    else {
      await delay(WATCHED_MS);
      child.stdin.write("again\n");
    }
  }
  const [from, to] = told;
  if (!from || !to) return false;
  const realMs = to[2] - from[2];
  const twiceAsFast = (ms: number) => ms > 1.5 * realMs && ms < 2.5 * realMs;
  const offMs = from[0] - Date.now();
  return (
    twiceAsFast(to[0] - from[0]) && twiceAsFast(to[1] - from[1]) && Math.abs(offMs - FIVE_HOURS_MS) < 60_000
  );
}
