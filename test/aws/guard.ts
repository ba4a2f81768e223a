import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Connection } from "../chaos/messages.js";
import type { Workspace } from "./workspace.js";

const PROGRAM = fileURLToPath(new URL("./watchdog.ts", import.meta.url));

/** The process that removes what the run made when this one is gone. */
export interface TableGuard {
  readonly pid: number | undefined;
  created(): void;
  /** It is gone: it need not do anything. */
  done(): void;
}

/** Starts it, and resolves when it watches: only then may the table be made. */
export async function guardTable(connection: Connection, workspace: Workspace): Promise<TableGuard> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", PROGRAM, JSON.stringify({ connection, workspace })],
    {
      // Its own session: a terminal's Ctrl-C does not reach it.
      detached: true,
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, NODE_NO_WARNINGS: "1" },
    },
  );
  const pipe = child.stdin as Writable & { unref?(): void };
  pipe.on("error", () => {});
  const ready = await Promise.race([
    once(child.stdout, "data").then(() => true),
    once(child, "exit").then(() => false),
  ]);
  if (!ready) throw new Error("The process that removes the table at the end could not be started.");
  child.stdout.destroy();
  child.unref();
  pipe.unref?.();
  return {
    pid: child.pid,
    created: () => pipe.write("created\n"),
    done: () => pipe.end("done\n"),
  };
}
