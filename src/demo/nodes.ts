import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { dieWithUs } from "../child-guard.js";
import type { EndReason } from "../errors.js";
import type { ClientConfig } from "./messages.js";

/** How many partitions the members share. */
export const PARTITIONS = 12;

const PROGRAMS = {
  node: fileURLToPath(new URL("./node.js", import.meta.url)),
  member: fileURLToPath(new URL("./member.js", import.meta.url)),
};

export interface NodeConfig {
  readonly clientConfig: ClientConfig;
  readonly tableName: string;
  readonly name: string;
  /** It is also the node's rank. */
  readonly number: number;
  readonly leaseMs: number;
}

export type FromNode =
  | { readonly type: "leads"; readonly term: number }
  | { readonly type: "ended"; readonly term: number; readonly reason: EndReason }
  | { readonly type: "began" | "stopped"; readonly partition: number; readonly term: number }
  | { readonly type: "failed"; readonly message: string };

/** The processes of the classic story, or the members that share partitions. */
export class Nodes {
  readonly #children = new Map<number, ChildProcess>();
  readonly #killed = new Set<number>();

  constructor(
    private readonly config: Omit<NodeConfig, "number">,
    private readonly onMessage: (number: number, message: FromNode) => void,
    private readonly program: keyof typeof PROGRAMS = "node",
  ) {}

  start(number: number): void {
    const env = { ...process.env, NODE_NO_WARNINGS: "1" };
    const child = fork(PROGRAMS[this.program], { stdio: ["ignore", "ignore", "inherit", "ipc"], env });
    dieWithUs(child);
    this.#children.set(number, child);
    child.on("message", (message) => this.onMessage(number, message as FromNode));
    child.on("error", (error) => this.onMessage(number, { type: "failed", message: error.message }));
    child.on("exit", () => {
      if (!this.#killed.has(number))
        this.onMessage(number, { type: "failed", message: "it died unexpectedly" });
    });
    // "error" reports a node that could not be started.
    child.send({ ...this.config, number }, () => {});
  }

  /** Resolves when the process has ended. */
  async kill(number: number): Promise<void> {
    const child = this.#children.get(number);
    this.#killed.add(number);
    if (!child || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((number) => this.kill(number)));
  }
}
