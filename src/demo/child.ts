import type { FromNode, NodeConfig } from "./nodes.js";

/** When messages cannot be sent, the coordinator is dead, and this process ends too. */
export const say = (message: FromNode) => void process.send?.(message, () => {});

/** In a process that the coordinator has started: it ends with the coordinator. */
export function endWithCoordinator(): void {
  process.once("disconnect", () => process.exit());
  // A terminal sends Ctrl-C to all processes. The coordinator decides what happens then.
  process.on("SIGINT", () => {});
}

export function liveAsChild(live: (config: NodeConfig) => Promise<void>): void {
  endWithCoordinator();
  process.once("message", (config: NodeConfig) => {
    live(config).catch((error: unknown) => say({ type: "failed", message: String(error) }));
  });
}
