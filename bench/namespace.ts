import { spawnSync } from "node:child_process";

/** The ways into a PID namespace: as root, or as a user who may make one. */
const WAYS = [["-pf"], ["-Urpf"]];

let found: string[] | undefined;

function words(): string[] | undefined {
  found ??= WAYS.find(
    (flags) => spawnSync("unshare", [...flags, "--mount-proc", "true"], { stdio: "ignore" }).status === 0,
  );
  return found && [...found, "--mount-proc", "--kill-child"];
}

/** Whether this machine can start a process as PID 1: Linux, as root or with user namespaces. */
export function hasNamespaces(): boolean {
  return words() !== undefined;
}

/** The options of `fork` that make its program PID 1. */
export function inNamespace(node: string): { execPath: string; execArgv: string[] } {
  return { execPath: "unshare", execArgv: [...(words() ?? []), node] };
}
