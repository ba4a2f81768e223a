import type { Template } from "../cdk.js";
import { holds, same } from "../deployed.js";

/** What the emulator forgets or passes over can only be read in the template that was deployed. */
export async function onTemplate(template: Template): Promise<{ found: string }> {
  const resources = Object.values(template.Resources);
  const ofType = (type: string) => resources.filter(({ Type }) => Type === type);
  for (const { Properties } of ofType("AWS::Lambda::Function")) {
    same("the architecture", Properties.Architectures, ["arm64"]);
    holds(Properties.LoggingConfig?.LogGroup !== undefined, "a function must have a log group of its own");
  }
  const [table] = ofType("AWS::DynamoDB::GlobalTable");
  same("the table's deletion policy", table?.DeletionPolicy, "Retain");
  return { found: "functions on arm64 with logs of their own, table retained" };
}
