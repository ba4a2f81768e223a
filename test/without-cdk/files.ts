import type { Plain } from "../cdk/plain-template.js";
import { pipesOf } from "./pipes.js";
import { policies } from "./policies.js";
import { samOf } from "./sam.js";
import { tableScript } from "./table-script.js";
import { jobTemplate, leaderChangesTemplate, tableTemplate } from "./templates.js";
import { terraformOf } from "./terraform.js";
import { yamlOf } from "./yaml.js";

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** Each file in docs/without-cdk/: its name and its text. */
export function files(): Record<string, string> {
  const table = tableTemplate();
  const job = jobTemplate();
  const changes = leaderChangesTemplate();
  const { Input } = scheduleOf(job).Target;
  return {
    "table.sh": tableScript(table),
    "table.template.json": json(table),
    "table.tf": terraformOf(table, "The lease table of incumbent, in one Region."),
    "job.template.json": json(job),
    "job.sam.yaml": yamlOf(samOf(job)),
    "job.tf": terraformOf(
      job,
      "A lease table of incumbent, and a job that runs on a schedule, in one Region.",
    ),
    "schedule-input.json": json(JSON.parse(Input)),
    "leader-changes.template.json": json(changes),
    "pipes.json": json(pipesOf(changes)),
    ...Object.fromEntries(
      Object.entries(policies()).map(([role, policy]) => [`${role}.policy.json`, json(policy)]),
    ),
  };
}

function scheduleOf({ Resources }: Plain) {
  return Resources.JobSchedule?.Properties as { readonly Target: { readonly Input: string } };
}
