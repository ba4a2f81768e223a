import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Cdk, type Context, type Template } from "./cdk.js";
import { functions, roles } from "./checks/functions.js";
import { isGone } from "./checks/gone.js";
import { schedules } from "./checks/schedules.js";
import { isRetained, leads, table, timeToLive } from "./checks/table.js";
import { onTemplate } from "./checks/template.js";
import { alarms, dashboard } from "./checks/watching.js";
import { clientConfig, Deployed, same } from "./deployed.js";
import { type Emulator, startEmulator } from "./emulator.js";
import { isolatedEnvironment } from "./environment.js";
import { plainFiles } from "./plain.js";
import { virtualEnvironment } from "./python.js";
import { StepFailure, type Steps } from "./steps.js";

const STACK = "incumbent";
const FIRST: Context = {
  stackName: STACK,
  tableName: "leases",
  elections: "workers/billing",
  election: "reports/daily",
  schedule: "rate(5 minutes)",
  timeout: "1 minute",
  alarmEmail: "on-call@example.com",
  leaderChanges: "true",
};
const CHANGED: Context = {
  ...FIRST,
  schedule: "cron(0 3 * * ? *)",
  timezone: "Europe/Berlin",
  timeout: "2 minutes",
};

export interface Told {
  /** Resource types of the stack that the emulator passes over. */
  readonly leftOut: readonly string[];
  /** Types that moto lacks and `emulator/` adds. */
  readonly taught: readonly string[];
}

/** The whole deploy, from an empty account to a table that outlives its stack. Rejects when a step fails. */
export async function story(root: string, steps: Steps, signal: AbortSignal): Promise<Told> {
  const folder = join(root, ".deploy");
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  const outside = { cwd: root, env: isolatedEnvironment(home), signal };
  const requirements = join(root, "test", "deploy", "requirements.txt");
  const { python } = await steps.run("virtual environment with moto's server", () =>
    virtualEnvironment(folder, requirements, outside),
  );
  const { emulator } = await steps.run("an empty AWS on loopback", async () => {
    const started = await startEmulator(python, outside.env);
    return { emulator: started, found: started.endpoint };
  });
  await using _ = emulator;
  const env = isolatedEnvironment(home, emulator.endpoint);
  const inside = { ...outside, env };
  await plainFiles(root, python, { outside, inside, endpoint: emulator.endpoint }, steps);
  const cdk = new Cdk(root, folder, inside);
  await steps.run("cdk bootstrap", async () => {
    await cdk.bootstrap();
    return { found: "toolkit stack made" };
  });

  const deployed = await deploy("cdk deploy", cdk, FIRST, emulator, steps);
  const tableName = deployed.outputs.TableName ?? "";
  await readBack(deployed, steps);
  await steps.run("an election on the table", () => leads(deployed.config, tableName));

  const changed = await deploy("cdk deploy of a change", cdk, CHANGED, emulator, steps);
  await steps.run("table, unchanged", () => table(changed));
  await steps.run("functions, changed", () => functions(changed));
  await steps.run("schedules, changed", () => schedules(changed));
  await steps.run("cdk diff", async () => {
    const { differs, output } = await cdk.diff(STACK, CHANGED);
    if (differs) throw new StepFailure(`expected no difference:\n${output}`);
    return { found: "no differences" };
  });
  await steps.run("cdk diff against the first", async () => {
    const { differs } = await cdk.diff(STACK, FIRST);
    same("whether a difference is seen when there is one", differs, true);
    return { found: "differences, as there are" };
  });
  await steps.run("cdk destroy", async () => {
    await cdk.destroy(STACK, CHANGED);
    return { found: "stack gone" };
  });
  await steps.run("what is left", () => isGone(changed));
  await steps.run("the table outlives it", () => isRetained(clientConfig(emulator.endpoint), tableName));
  return leftOutOf(deployed.template, emulator);
}

function deploy(
  name: string,
  cdk: Cdk,
  context: Context,
  emulator: Emulator,
  steps: Steps,
): Promise<Deployed> {
  let deployed: Deployed;
  return steps
    .run(name, async () => {
      const outputs = await cdk.deploy(STACK, context);
      const template = cdk.template(STACK);
      deployed = await Deployed.read(STACK, emulator.endpoint, template, outputs);
      return {
        found: `${Object.keys(template.Resources).length} resources, outputs ${Object.keys(outputs).join(", ")}`,
      };
    })
    .then(() => deployed);
}

async function readBack(deployed: Deployed, steps: Steps): Promise<void> {
  await steps.run("table", () => table(deployed));
  await steps.run("time to live", () => timeToLive(deployed));
  await steps.run("functions", () => functions(deployed));
  await steps.run("roles", () => roles(deployed));
  await steps.run("schedules", () => schedules(deployed));
  await steps.run("dashboard", () => dashboard(deployed));
  await steps.run("alarms", () => alarms(deployed));
  await steps.run("on the template, since the emulator forgets it", () => onTemplate(deployed.template));
}

function leftOutOf({ Resources }: Template, { types, taught }: Emulator): Told {
  const used = new Set(Object.values(Resources).map(({ Type }) => Type));
  const isMade = (type: string) => types.has(type) || type.startsWith("Custom::");
  return {
    leftOut: [...used].filter((type) => !isMade(type)).sort(),
    taught: taught.filter((type) => used.has(type)),
  };
}
