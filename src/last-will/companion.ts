import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { bareEnv } from "../bare-env.js";
import { systemClock } from "../clock.js";
import { COMPANION_PROGRAM } from "./programs.js";

/** An application that is one executable would start itself again, and that one again, without end. */
const RUNTIME = /(^|[/\\])(node|nodejs|bun|deno)[\d.]*(\.exe)?$/i;

/** A companion that reads nothing for so long is frozen, and another one is started. */
const MAX_WRITE_MS = 2_000;
/** A companion that is killed so young was not killed by chance: a memory limit, for example, kills each of them. */
const YOUNG_MS = 10_000;
const MAX_YOUNG_DEATHS = 5;

interface Running {
  readonly child: ChildProcess;
  readonly pipe: Writable;
  readonly ended: Promise<void>;
}

/**
 * Keeps the companion process running, and tells it everything. It never keeps this process alive. The companion is the
 * one process of ours that outlives this one, and only until the wills are not worth another try.
 */
export class Companion {
  #running: Running | undefined;
  #isImpossible = false;
  #youngDeaths = 0;

  constructor(
    /** All that a new companion must know, a line each. Nothing: no companion is needed. */
    private readonly everything: () => string[],
    private readonly onImpossible: (error: unknown) => void,
  ) {}

  /** Starts a companion if there is none. It does not wait until it runs. */
  start(): void {
    this.#ensured();
  }

  /**
   * Starts a companion if there is none. Resolves when the kernel has the line, or no companion can start. The line is
   * made when it is written: what has changed meanwhile must not come back.
   */
  async tell(line: () => string): Promise<void> {
    for (;;) {
      const running = this.#ensured();
      if (running === undefined || (await written(running.pipe, line()))) return;
      running.child.kill("SIGKILL");
      await running.ended;
    }
  }

  /** Tells the companion that runs, if one does. */
  mention(line: string): void {
    this.#running?.pipe.write(line);
  }

  #ensured(): Running | undefined {
    if (this.#running || this.#isImpossible) return this.#running;
    try {
      if (!RUNTIME.test(process.execPath)) throw new Error("this program is not run by Node itself");
      this.#running = this.#spawn();
      for (const line of this.everything()) this.mention(line);
    } catch (error) {
      this.#giveUp(error);
    }
    return this.#running;
  }

  #spawn(): Running {
    const startedMs = systemClock.monotonicMs();
    const child = spawn(process.execPath, ["-e", COMPANION_PROGRAM, `${process.pid}`], {
      // A session of its own: a terminal's Ctrl-C does not reach it.
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      env: bareEnv(),
    });
    // Bun's pipe has no `unref`, and does not keep a process alive.
    const pipe = child.stdin as Writable & { unref?(): void };
    const ended = new Promise<void>((resolve) => {
      child.once("error", (error) => {
        this.#giveUp(error);
        resolve();
      });
      child.once("exit", (code, signal) => {
        this.#ended(code, signal, systemClock.monotonicMs() - startedMs);
        resolve();
      });
    });
    // A pipe that ended for another reason than its death: another companion gets a new one.
    pipe.on("error", () => {}).once("close", () => child.kill("SIGKILL"));
    child.unref();
    pipe.unref?.();
    return { child, pipe, ended };
  }

  #ended(code: number | null, signal: NodeJS.Signals | null, livedMs: number): void {
    this.#running = undefined;
    this.#youngDeaths = livedMs < YOUNG_MS ? this.#youngDeaths + 1 : 0;
    // One that fails by itself would fail again.
    if (signal === null) {
      this.#giveUp(new Error(`the companion exited with code ${code}`));
    } else if (this.#youngDeaths > MAX_YOUNG_DEATHS) {
      this.#giveUp(
        new Error(
          `${this.#youngDeaths} companions in a row were killed soon after their start, by ${signal}`,
        ),
      );
    } else if (this.everything().length > 0) {
      this.start();
    }
  }

  #giveUp(error: unknown): void {
    this.#running = undefined;
    if (this.#isImpossible) return;
    this.#isImpossible = true;
    this.onImpossible(error);
  }
}

/** Whether the kernel took the line in time. */
function written(pipe: Writable, line: string): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = systemClock.setTimer(MAX_WRITE_MS, () => resolve(false));
    pipe.write(line, (error) => {
      cancel();
      resolve(!error);
    });
  });
}
