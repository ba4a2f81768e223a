import { GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand } from "@aws-sdk/client-iam";
import { GetFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { type Deployed, holds, type Resource, same } from "../deployed.js";

interface Statement {
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

export async function functions(deployed: Deployed): Promise<{ found: string }> {
  const made = deployed.all("AWS::Lambda::Function");
  holds(made.length > 0, "the stack must have a function");
  for (const resource of made) await isAsInTemplate(deployed, resource);
  const names = made.map(({ Properties: { Timeout, Runtime } }) => `${Runtime}, ${Timeout} s`);
  return { found: names.join("; ") };
}

async function isAsInTemplate(
  deployed: Deployed,
  { physicalId, Properties: expected }: Resource,
): Promise<void> {
  const { Configuration, Code } = await new LambdaClient(deployed.config).send(
    new GetFunctionCommand({ FunctionName: physicalId }),
  );
  holds(Configuration !== undefined, `function ${physicalId} is not there`);
  same(`${physicalId}: the runtime`, Configuration.Runtime, expected.Runtime);
  same(`${physicalId}: the handler`, Configuration.Handler, expected.Handler);
  same(`${physicalId}: the timeout`, Configuration.Timeout, expected.Timeout);
  const { Variables = {} } = Configuration.Environment ?? {};
  same(`${physicalId}: INCUMBENT_TABLE`, Variables.INCUMBENT_TABLE, deployed.outputs.TableName);
  const names = Object.keys(expected.Environment.Variables).sort();
  same(`${physicalId}: the environment`, Object.keys(Variables).sort(), names);
  // The asset that the CLI published, unpacked from the bucket.
  holds((Configuration.CodeSize ?? 0) > 1_000, `${physicalId}: its code was not published`);
  holds(Code !== undefined, `${physicalId}: has no code`);
}

/** What a function may do to the table: no more rows than its elections', and deleting none but candidates'. */
export async function roles(deployed: Deployed): Promise<{ found: string }> {
  const confined = new Set<string>();
  for (const { physicalId } of deployed.all("AWS::Lambda::Function")) {
    const { Configuration } = await new LambdaClient(deployed.config).send(
      new GetFunctionCommand({ FunctionName: physicalId }),
    );
    const role = Configuration?.Role?.split("/").at(-1) ?? "";
    for (const statement of await statementsOf(deployed, role)) {
      const actions = [statement.Action].flat();
      holds(!actions.some((action) => /\*/.test(action)), `${role}: may ${actions.join(", ")}`);
      const keys = statement.Condition?.["ForAllValues:StringEquals"]?.["dynamodb:LeadingKeys"];
      const partitions = keys === undefined ? [] : [keys].flat();
      const isOfCandidates =
        partitions.length > 0 && partitions.every((key) => /#candidates$/.test(`${key}`));
      const mayDelete = actions.some((action) => /Delete/.test(action));
      holds(!mayDelete || isOfCandidates, `${role}: may delete more than rows of candidates`);
      if (!actions.includes("dynamodb:UpdateItem")) continue;
      holds(partitions.length > 0, `${role}: may update rows of every election`);
      const missing = statement.Condition?.Null?.["dynamodb:LeadingKeys"];
      same(`${role}: whether a request may have no partition key`, missing, "false");
      confined.add(role);
    }
  }
  same("roles that may write the table, each confined to its elections", confined.size > 0, true);
  return { found: `${confined.size} may write, each only rows of its own election; none may delete a lease` };
}

async function statementsOf({ config }: Deployed, RoleName: string): Promise<Statement[]> {
  const client = new IAMClient(config);
  const { PolicyNames = [] } = await client.send(new ListRolePoliciesCommand({ RoleName }));
  const statements = [];
  for (const PolicyName of PolicyNames) {
    const { PolicyDocument = "{}" } = await client.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
    statements.push(...JSON.parse(decodeURIComponent(PolicyDocument)).Statement);
  }
  return statements;
}
