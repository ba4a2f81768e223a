import { hostname } from "node:os";

/**
 * The label of a candidate without one: the id of its ECS task, the name of its Kubernetes pod, or its host and
 * process. The task's id is in the address that ECS gives each container for its metadata. No request is made.
 */
export function defaultLabel(env: NodeJS.ProcessEnv = process.env): string {
  const task = /\/v[34]\/([0-9a-f]{32})(-|$)/.exec(
    env.ECS_CONTAINER_METADATA_URI_V4 ?? env.ECS_CONTAINER_METADATA_URI ?? "",
  )?.[1];
  if (task) return task;
  const host = plain(env.POD_NAME) ?? plain(hostname()) ?? "host";
  // A pod's host name is the pod's name.
  const isPod = env.POD_NAME !== undefined || env.KUBERNETES_SERVICE_HOST !== undefined;
  return isPod ? host : `${host}-${process.pid}`;
}

function plain(name: string | undefined): string | undefined {
  return name?.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 60) || undefined;
}
