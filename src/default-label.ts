import { hostname } from "node:os";

/** Where a candidate runs, for people. */
export function defaultLabel(): string {
  return `${
    hostname()
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .slice(0, 60) || "host"
  }-${process.pid}`;
}
