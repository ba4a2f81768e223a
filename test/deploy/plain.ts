import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { leads, tableOf, timeToLiveOf } from "./checks/table.js";
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
  await steps.run("docs/without-cdk/table.sh", async () => {
    const name = "by-commands";
    const env = { ...inside.env, PATH: `${bin}:${inside.env.PATH}`, AWS_PAGER: "" };
    await run("sh", [join(folder, "table.sh"), name], { ...inside, env });
    const config = clientConfig(endpoint);
    const { found } = await tableOf(config, name);
    await timeToLiveOf(config, name);
    await leads(config, name);
    return { found };
  });
}
