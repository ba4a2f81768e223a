import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandOptions, type Ran, run } from "./command.js";
import { ACCOUNT, REGION } from "./environment.js";

export interface Template {
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, unknown>>;
}

export interface TemplateResource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation's own shapes, read where a check names them
  readonly Properties: any;
  readonly DeletionPolicy?: string;
}

export type Context = Readonly<Record<string, string>>;

/** The real CDK CLI, run on the app that `cdk.json` names. */
export class Cdk {
  constructor(
    private readonly root: string,
    /** For the cloud assembly and the outputs. */
    private readonly folder: string,
    private readonly options: Omit<CommandOptions, "answers">,
  ) {}

  /** Where there is no `cdk.json`: it has nothing to do with the app. */
  bootstrap(): Promise<Ran> {
    return this.#cdk(["bootstrap", `aws://${ACCOUNT}/${REGION}`], { cwd: this.folder });
  }

  /** Directly, since moto's change sets lose a stack's outputs. Returns the outputs. */
  async deploy(stack: string, context: Context): Promise<Record<string, string>> {
    const file = join(this.folder, "outputs.json");
    const how = ["--method", "direct", "--no-previous-parameters", "--require-approval", "never"];
    await this.#cdk(["deploy", stack, ...how, "--outputs-file", file], { context });
    return JSON.parse(readFileSync(file, "utf8"))[stack] ?? {};
  }

  /** Whether the deployed stack differs from what the app makes now, and what the CLI said. */
  async diff(stack: string, context: Context): Promise<{ differs: boolean; output: string }> {
    const { code, output } = await this.#cdk(["diff", stack, "--method", "template", "--fail"], {
      context,
      answers: [0, 1],
    });
    return { differs: code !== 0, output };
  }

  destroy(stack: string, context: Context): Promise<Ran> {
    return this.#cdk(["destroy", stack, "--force"], { context });
  }

  /** The template that the last command synthesized. */
  template(stack: string): Template {
    return JSON.parse(readFileSync(join(this.folder, "assembly", `${stack}.template.json`), "utf8"));
  }

  #cdk(
    args: readonly string[],
    { context = {}, ...options }: Partial<CommandOptions> & { context?: Context },
  ): Promise<Ran> {
    const given = Object.entries(context).flatMap(([key, value]) => ["--context", `${key}=${value}`]);
    // No AWS::CDK::Metadata, and no news fetched from the network.
    const quiet = ["--no-version-reporting", "--no-notices", "--no-color", "--ci"];
    const assembly = ["--output", join(this.folder, "assembly")];
    const cli = join(this.root, "node_modules", "aws-cdk", "bin", "cdk");
    return run(process.execPath, [cli, ...args, ...given, ...quiet, ...assembly], {
      ...this.options,
      ...options,
    });
  }
}
