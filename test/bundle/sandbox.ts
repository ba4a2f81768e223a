import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { dieWithUs } from "../../src/child-guard.js";
import type { Answered, Outcome } from "./messages.js";
import { type Failure, RuntimeApi } from "./runtime-api.js";

const CLIENT = fileURLToPath(new URL("node_modules/aws-lambda-ric/bin/index.mjs", import.meta.url));

export interface FunctionConfig {
  readonly name: string;
  /** The asset, where the AWS SDK is found as in Lambda's runtime. */
  readonly taskRoot: string;
  readonly timeoutMs: number;
  readonly env: Readonly<Record<string, string>>;
}

/** One sandbox of a function: a fresh Node process behind AWS's runtime interface client, frozen while it is idle. */
export class Sandbox {
  /** From its start until it asked for its first event. */
  initMs: number | undefined;
  readonly #startedMs = performance.now();
  readonly #api = new RuntimeApi();
  readonly #log: string[] = [];
  #child!: ChildProcess;
  #ended: Promise<unknown> = Promise.resolve();
  #ready: Promise<undefined> = Promise.resolve(undefined);
  #initFailure: Promise<Failure> = new Promise(() => {});
  #frozenTimes = 0;

  private constructor(
    private readonly config: FunctionConfig,
    private readonly onLine: (line: string, sandbox: Sandbox) => void,
  ) {}

  static async start(
    config: FunctionConfig,
    onLine: (line: string, sandbox: Sandbox) => void,
  ): Promise<Sandbox> {
    const sandbox = new Sandbox(config, onLine);
    await sandbox.#start();
    return sandbox;
  }

  get log(): readonly string[] {
    return this.#log;
  }

  get frozenTimes(): number {
    return this.#frozenTimes;
  }

  get isDead(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Thaws it, hands it the event, and freezes it again when it asks for the next one; kills it at its timeout. */
  async invoke(event: unknown): Promise<Outcome> {
    const { timeoutMs } = this.config;
    const ended = this.#ended.then(() => "test" as const);
    const failed = this.#initFailure.then((failure) => ({ failure }));
    // The timeout is that of the handler: a cold start comes before it.
    const early = await Promise.race([this.#ready, ended, failed]);
    this.#child.kill("SIGCONT");
    let alarm: NodeJS.Timeout | undefined;
    const timeout = new Promise<"timeout">((resolve) => {
      alarm = setTimeout(() => resolve("timeout"), timeoutMs);
    });
    const reply =
      early ??
      (await Promise.race([this.#api.invoke(event, Date.now() + timeoutMs), ended, failed, timeout]));
    clearTimeout(alarm);
    if (typeof reply === "string") {
      await this.kill();
      return { kind: "killed", because: reply };
    }
    if ("failure" in reply) return { kind: "failed", ...reply.failure };
    return { kind: "answered", result: JSON.parse(reply.body) as Answered };
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
    await this.#api[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    const { name, taskRoot, env } = this.config;
    this.#initFailure = new Promise((resolve) => {
      this.#api.onInitError = resolve;
    });
    this.#ready = new Promise((resolve) => {
      this.#api.onAsked = () => {
        this.initMs ??= performance.now() - this.#startedMs;
        resolve(undefined);
      };
    });
    this.#api.onIdle = () => {
      this.#child.kill("SIGSTOP");
      this.#frozenTimes += 1;
    };
    const runtimeApi = await this.#api.listen();
    this.#child = spawn(process.execPath, [CLIENT, "index.handler"], {
      cwd: taskRoot,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        NODE_NO_WARNINGS: "1",
        AWS_LAMBDA_RUNTIME_API: runtimeApi,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
        LAMBDA_TASK_ROOT: taskRoot,
        _HANDLER: "index.handler",
        ...env,
      },
    });
    dieWithUs(this.#child);
    this.#ended = once(this.#child, "exit");
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on("line", (line) => this.#hear(line));
    }
  }

  #hear(line: string): void {
    this.#log.push(line);
    this.onLine(line, this);
  }
}
