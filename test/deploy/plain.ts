import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { plainJob } from "./checks/plain-job.js";
import { isRetained, leads, tableOf, timeToLiveOf } from "./checks/table.js";
import { type ReadPlain, sameAsTemplates } from "./checks/without-cdk.js";
import { type CommandOptions, run } from "./command.js";
import { clientConfig } from "./deployed.js";
import type { Steps } from "./steps.js";

/** The files in docs/ for people without CDK. `outside` reaches no emulator, `inside` does. */
export async function plainFiles(
  root: string,
  python: string,
  { outside, inside, endpoint }: { outside: CommandOptions; inside: CommandOptions; endpoint: string },
  steps: Steps,
): Promise<void> {
  const docs = join(root, "docs");
  const folder = join(docs, "without-cdk");
  const bin = dirname(python);
  await steps.run("the templates in docs/", async () => {
    const templates = [docs, folder].flatMap((one) =>
      readdirSync(one)
        .filter((name) => /\.(template\.json|sam\.yaml)$/.test(name))
        .map((name) => join(one, name)),
    );
    // Its warnings fail too.
    await run(join(bin, "cfn-lint"), templates, outside);
    return { found: `${templates.length}, and cfn-lint finds nothing` };
  });
  await steps.run("Terraform and SAM in docs/without-cdk/", async () => {
    const script = join(root, "test/deploy/read_plain.py");
    const { output } = await run(python, ["-B", "-W", "ignore", script, folder], outside);
    const template = (name: string) =>
      JSON.parse(readFileSync(join(folder, `${name}.template.json`), "utf8"));
    return sameAsTemplates(JSON.parse(output) as ReadPlain, template);
  });
  const config = clientConfig(endpoint);
  const withCli = { ...inside, env: { ...inside.env, PATH: `${bin}:${inside.env.PATH}`, AWS_PAGER: "" } };
  await steps.run("docs/without-cdk/table.sh", async () => {
    const name = "by-commands";
    await run("sh", [join(folder, "table.sh"), name], withCli);
    const { found } = await tableOf(config, name);
    await timeToLiveOf(config, name);
    await leads(config, name);
    return { found };
  });
  await steps.run("docs/without-cdk.md: the commands of job.template.json", async () => {
    const page = readFileSync(join(docs, "without-cdk.md"), "utf8");
    const [, commands = ""] = /\(without-cdk\/job\.template\.json\):\n\n```sh\n(.*?)```/s.exec(page) ?? [];
    const cwd = mkdtempSync(join(tmpdir(), "incumbent-plain-"));
    try {
      cpSync(join(folder, "job.template.json"), join(cwd, "job.template.json"));
      // The emulator does not run it.
      writeFileSync(join(cwd, "index.mjs"), "export const handler = () => {};\n");
      await run(python, ["-m", "zipfile", "-c", "job.zip", "index.mjs"], { ...outside, cwd });
      await run(join(bin, "aws"), ["s3", "mb", "s3://my-bucket"], withCli);
      await run("sh", ["-e", "-c", commands], { ...withCli, cwd });
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
    const input = JSON.parse(readFileSync(join(folder, "schedule-input.json"), "utf8"));
    const { found } = await plainJob(config, input);
    await tableOf(config, "incumbent");
    await run(join(bin, "aws"), ["cloudformation", "delete-stack", "--stack-name", "nightly"], withCli);
    await isRetained(config, "incumbent");
    return { found };
  });
}
