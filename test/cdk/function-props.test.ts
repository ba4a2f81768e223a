import { Size, type Stack } from "aws-cdk-lib";
import { type IVpc, Vpc } from "aws-cdk-lib/aws-ec2";
import { EventBus } from "aws-cdk-lib/aws-events";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, LayerVersion, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { AwsSolutionsChecks } from "cdk-nag";
import { expect, test } from "vitest";
import { ElectionMonitor, type ElectionMonitorProps, LeaderChanges, LeaseTable } from "../../lib/index.js";
import { bundlingOf } from "../../lib/leader-function/function-props.js";
import { actionsOf, statementsOf } from "./policies.js";
import { environment, leader, ownFunction } from "./scheduled-job.js";
import { newStack, only, refusal, resources } from "./synth.js";

/** What the functions of a job and of a monitor take from CDK's `NodejsFunction`. */

function monitor(props: Partial<ElectionMonitorProps> = {}) {
  const stack = newStack();
  new ElectionMonitor(stack, "Monitor", { table: new LeaseTable(stack, "Leases"), ...props });
  return stack;
}

const everything = (stack: Stack) => ({
  vpc: new Vpc(stack, "Vpc") as IVpc,
  layers: [
    LayerVersion.fromLayerVersionArn(stack, "Layer", "arn:aws:lambda:eu-west-1:123456789012:layer:a:1"),
  ],
  architecture: Architecture.X86_64,
  logGroup: new LogGroup(stack, "Log"),
  tracing: Tracing.ACTIVE,
  reservedConcurrentExecutions: 3,
  description: "Invoices",
  ephemeralStorageSize: Size.gibibytes(1),
});
const MADE = {
  Architectures: ["x86_64"],
  Runtime: "nodejs24.x",
  Layers: ["arn:aws:lambda:eu-west-1:123456789012:layer:a:1"],
  LoggingConfig: { LogGroup: { Ref: expect.stringMatching(/^Log/) } },
  TracingConfig: { Mode: "Active" },
  ReservedConcurrentExecutions: 3,
  Description: "Invoices",
  EphemeralStorage: { Size: 1_024 },
  VpcConfig: { SubnetIds: expect.anything() },
};

test("a job's function takes what CDK's takes, with the rights that belong to it", () => {
  const stack = newStack();
  leader(stack, { functionProps: everything(stack) });
  expect(jobFunction(stack)).toMatchObject(MADE);
  expect(Object.keys(resources(stack, "AWS::Logs::LogGroup"))).toEqual(["Log"]);
  expect(JSON.stringify(resources(stack, "AWS::IAM::Role").NightlyJobRole)).toContain(
    ":iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
  );
  const statements = statementsOf(stack, "NightlyJobRole");
  expect(statements.flatMap(actionsOf)).toContain("xray:PutTraceSegments");
  expect(statements.find((one) => actionsOf(one).includes("logs:PutLogEvents"))?.Resource).toEqual({
    "Fn::GetAtt": [expect.stringMatching(/^Log/), "Arn"],
  });
});

test("cdk-nag finds nothing new in such a function", () => {
  const stack = newStack();
  leader(stack, { functionProps: everything(stack) });
  const { violations } = new AwsSolutionsChecks().validateScope(stack);
  const told = violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${constructPath}: ${ruleName}`),
  );
  expect(told.filter((line) => line.includes("Nightly"))).toEqual([]);
});

test("a role of the user's is used as it is", () => {
  const stack = newStack();
  const role = new Role(stack, "Mine", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
  leader(stack, { functionProps: { role } });
  expect(resources(stack, "AWS::IAM::Role")).not.toHaveProperty("NightlyJobRole");
  expect(statementsOf(stack, "Mine").flatMap(actionsOf)).toContain("logs:PutLogEvents");
});

test("a monitor's function takes the same, and memory and environment", () => {
  const stack = newStack();
  const functionProps = everything(stack);
  const table = new LeaseTable(stack, "Leases");
  new ElectionMonitor(stack, "Monitor", {
    table,
    functionProps,
    memorySize: 512,
    environment: { POWERTOOLS_LOG_LEVEL: "DEBUG" },
  });
  expect(jobFunction(stack)).toMatchObject({
    ...MADE,
    MemorySize: 512,
    Timeout: 50,
    Environment: { Variables: { POWERTOOLS_LOG_LEVEL: "DEBUG", INCUMBENT_METRICS_NAMESPACE: "Incumbent" } },
  });
  expect(only(monitor({ functionProps: { tracing: Tracing.DISABLED } }), "AWS::Lambda::Function").Properties)
    // CDK leaves it out.
    .not.toHaveProperty("TracingConfig");
});

test.each(["INCUMBENT_METRICS_NAMESPACE", "INCUMBENT_PRUNE", "INCUMBENT_TABLE"])(
  "a user's %s in the environment of a monitor: refused",
  (name) => {
    expect(refusal(() => monitor({ environment: { [name]: "Stranger" } }))).toBe(
      `environment.${name}: is set by the construct alone, from its other props; received a string of 8 characters. ` +
        "Suggestion: leave it out.",
    );
  },
);

test("stack traces name the source, unless the user says otherwise", () => {
  const plain = newStack();
  leader(plain);
  expect(environment(plain)).toMatchObject({ NODE_OPTIONS: "--enable-source-maps" });
  expect(bundlingOf()).toMatchObject({ sourceMap: true });
  const without = newStack();
  leader(without, { functionProps: { bundling: { sourceMap: false } } });
  expect(environment(without)).not.toHaveProperty("NODE_OPTIONS");
  const own = newStack();
  leader(own, { environment: { NODE_OPTIONS: "--no-warnings" } });
  expect(environment(own)).toMatchObject({ NODE_OPTIONS: "--no-warnings" });
  // The package's bundle of the monitor has no map.
  expect(environment(monitor())).not.toHaveProperty("NODE_OPTIONS");
});

test("bundling replaces our settings one by one", () => {
  const ours = bundlingOf();
  expect(bundlingOf({ minify: false, nodeModules: ["sharp"] })).toEqual({
    ...ours,
    minify: false,
    nodeModules: ["sharp"],
  });
  expect(bundlingOf({ externalModules: ["pg-native"] }).externalModules).toEqual(["pg-native"]);
  // CDK asks for `bundleAwsSDK` only where no `externalModules` are given.
  expect(bundlingOf({ bundleAwsSDK: true })).not.toHaveProperty("externalModules");
  expect(bundlingOf({ banner: "/* ours */" }).banner).toBe(`${ours.banner}/* ours */`);
  // Our banner is an import, which is a syntax error in CommonJS.
  const commonjs = bundlingOf({ format: OutputFormat.CJS, banner: "/* ours */" });
  expect(commonjs).toMatchObject({ format: OutputFormat.CJS, banner: "/* ours */" });
  expect(commonjs).not.toHaveProperty("mainFields");
});

const refusedOf = (functionProps: object) => refusal(() => leader(newStack(), { functionProps }));

test("what would break the function: refused, with the prop to use", () => {
  expect(refusedOf({ runtime: Runtime.NODEJS_18_X })).toBe(
    "functionProps.runtime: must not be given: the function runs the export `handler` on the Node.js that this version is " +
      "made for; received an object of class Runtime. Suggestion: a function of your own, in the prop function.",
  );
  expect(refusedOf({ handler: "main" })).toMatch(/^functionProps\.handler: must not be given: /);
  expect(refusedOf({ memorySize: 512 })).toBe(
    "functionProps.memorySize: must stand beside functionProps, not in it; received the number 512. " +
      "Suggestion: { memorySize: …, functionProps: { … } }.",
  );
  expect(refusedOf({ retryAttempts: 1 })).toBe(
    "functionProps.retryAttempts: must not be given: retry and deadLetterQueue say what happens to events that fail; " +
      "received the number 1. Suggestion: retry or deadLetterQueue beside functionProps.",
  );
  expect(refusedOf({ logRetention: RetentionDays.ONE_DAY })).toBe(
    "functionProps.logRetention: must not be given: the function has a log group of its own; received the number 1. " +
      "Suggestion: logRetention beside functionProps, or functionProps.logGroup.",
  );
  expect(refusedOf({ reservedConcurrentExecutions: 0 })).toBe(
    "functionProps.reservedConcurrentExecutions: must be at least 1, or no run can start; received the number 0. Suggestion: 1.",
  );
  const banner = "const require = createRequire(import.meta.url);";
  expect(refusedOf({ bundling: { banner } })).toBe(
    "functionProps.bundling.banner: must not declare `require`: our own banner, which comes before it, declares it " +
      `already; received a string of ${banner.length} characters. Suggestion: leave it out.`,
  );
  expect(refusal(() => monitor({ functionProps: { bundling: {} } as object }))).toBe(
    "functionProps.bundling: must not be given: the package decides this for its monitor; received a plain object. " +
      "Suggestion: leave it out.",
  );
});

test("a log group with a retention beside it, and functionProps with a function of one's own: refused", () => {
  const stack = newStack();
  const functionProps = { logGroup: new LogGroup(stack, "Log") };
  expect(refusal(() => leader(stack, { functionProps, logRetention: RetentionDays.ONE_DAY }))).toBe(
    "logRetention: must not be given beside functionProps.logGroup, which has a retention of its own; " +
      "received the number 1. Suggestion: new LogGroup(…, { retention }).",
  );
  const other = newStack();
  expect(refusal(() => leader(other, { function: ownFunction(other), functionProps: {} }))).toMatch(
    /^functionProps: goes with entry; /,
  );
});

function jobFunction(stack: Stack): object {
  const found = Object.entries(resources(stack, "AWS::Lambda::Function")).filter(([id]) =>
    /^(NightlyJob|Monitor)Function$/.test(id),
  );
  return found[0]?.[1].Properties ?? {};
}

test("an app whose roles exist already (Role.customizeRoles) can use the constructs", () => {
  const stack = newStack();
  Role.customizeRoles(stack, {
    usePrecreatedRoles: {
      "Test/Nightly/Job/Role": "jobs",
      "Test/Nightly/SchedulerRole": "schedules",
      "Test/Changes/Role": "pipes",
    },
  });
  const table = new LeaseTable(stack, "Other", { stream: true });
  leader(stack);
  new LeaderChanges(stack, "Changes", { table, eventBus: new EventBus(stack, "Bus") });
  expect(resources(stack, "AWS::IAM::Role")).toEqual({});
  expect(JSON.stringify(jobFunction(stack))).toContain(":role/jobs");
});
