import { spawnSync } from "node:child_process";

/** The ways into a PID namespace: as root, or as a user who may make one. */
const WAYS = [["-pf"], ["-Urpf"]];

const way = WAYS.find(
  (flags) => spawnSync("unshare", [...flags, "--mount-proc", "true"], { stdio: "ignore" }).status === 0,
);

/** Undefined: this machine can make PID namespaces. */
export const noNamespaces = way
  ? undefined
  : "unshare cannot make a PID namespace here: it needs Linux and root, or user namespaces";

const namespace = ["unshare", ...(way ?? []), "--mount-proc", "--kill-child"];

/**
 * An init that starts the program, and stays when that has ended, until its own input ends. Node that is killed leaves the
 * input in a mode in which a reader that must wait fails instead.
 */
const INIT = '"$@"; until cat 2>/dev/null; do sleep 0.1; done; exit';

/** Where a program runs: the words before its command line. */
export const PLACES = {
  "a plain process": [],
  "PID 1": namespace,
  "beside an init": [...namespace, "sh", "-c", INIT, "sh"],
} as const;

export type Place = keyof typeof PLACES;
