import { App } from "aws-cdk-lib";
import { IncumbentStack } from "./incumbent-stack.js";
import { InvalidPropError } from "./invalid-prop.js";
import { settingsOf } from "./settings.js";

/** The app of `cdk.json`: `npx cdk deploy -c tableName=leases -c alarmEmail=on-call@example.com`. docs/deploy.md explains it. */

function build(app: App): void {
  const { stackName, region, regions, ...settings } = settingsOf(
    (key) => app.node.tryGetContext(key),
    Object.keys(app.node.getAllContext()),
  );
  const account = process.env.CDK_DEFAULT_ACCOUNT;
  const ofAccount = account === undefined ? {} : { account };
  const { witness, job, alarmEmail, ...whole } = settings;
  const props = {
    ...whole,
    ...(witness !== undefined && { witness }),
    ...(job && { job }),
    ...(alarmEmail !== undefined && { alarmEmail }),
  };
  if (!regions) {
    const own = region ?? process.env.CDK_DEFAULT_REGION;
    new IncumbentStack(app, stackName, { ...props, env: { ...ofAccount, ...(own && { region: own }) } });
    return;
  }
  const [first, ...others] = regions.map(
    (one) =>
      new IncumbentStack(app, `${stackName}-${one}`, {
        ...props,
        stackName,
        regions,
        env: { ...ofAccount, region: one },
      }),
  );
  // The first stack has the table. Its replicas must exist before the other stacks use them.
  for (const other of others) if (first) other.addStackDependency(first);
}

const app = new App({ autoSynth: false });
try {
  build(app);
  app.synth();
} catch (error) {
  if (!(error instanceof InvalidPropError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
