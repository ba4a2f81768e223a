import { cpSync, mkdirSync, mkdtempSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { App, Duration, Stack } from "aws-cdk-lib";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { LeaseTable, ScheduledLeader } from "../../lib/index.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const ENTRY = fileURLToPath(new URL("job.ts", import.meta.url));

export interface Asset {
  /** What synth produced, copied to where the AWS SDK, and nothing else, is found as in Lambda's runtime. */
  readonly taskRoot: string;
  readonly bytes: number;
  readonly files: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Synthesizes a stack with the job and takes the asset of its function. Its environment comes from the template. */
export function synthesize(): Asset {
  const folder = mkdtempSync(join(tmpdir(), "incumbent-bundle-"));
  // As the CDK's command line sets it: the template then says where each function's asset is.
  const context = { "aws:cdk:enable-asset-metadata": true };
  const app = new App({ outdir: join(folder, "cdk.out"), analyticsReporting: false, context });
  const stack = new Stack(app, "Bundle");
  new ScheduledLeader(stack, "Nightly", {
    table: new LeaseTable(stack, "Leases", { tableName: "leases" }),
    election: "bundle/nightly",
    schedule: ScheduleExpression.rate(Duration.hours(1)),
    entry: ENTRY,
    sticky: { group: "east", for: Duration.hours(2) },
  });
  const assembly = app.synth();
  const resources: Record<string, Resource> = assembly.getStackByName("Bundle").template.Resources;
  const job = Object.values(resources).find(
    ({ Type, Properties }) =>
      Type === "AWS::Lambda::Function" && Properties.Environment?.Variables?.INCUMBENT_ELECTION,
  );
  const assetPath = job?.Metadata?.["aws:asset:path"];
  if (!job || !assetPath) throw new Error("the stack has no function with an asset");
  const taskRoot = join(folder, "task");
  cpSync(join(assembly.directory, assetPath), taskRoot, { recursive: true });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(ROOT, "node_modules/@aws-sdk"), join(folder, "node_modules/@aws-sdk"));
  const files = readdirSync(taskRoot);
  // Node.js reads the source map only for a stack trace.
  const code = files.filter((file) => !file.endsWith(".map"));
  const bytes = code.reduce((sum, file) => sum + statSync(join(taskRoot, file)).size, 0);
  const variables = Object.entries(job.Properties.Environment?.Variables ?? {});
  const environment = Object.fromEntries(
    variables.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
  return { taskRoot, bytes, files, environment };
}

interface Resource {
  readonly Type: string;
  readonly Metadata?: { readonly "aws:asset:path"?: string };
  readonly Properties: { readonly Environment?: { readonly Variables?: Readonly<Record<string, unknown>> } };
}
