import { Token } from "aws-cdk-lib";
import { type NodejsFunctionProps, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import type { ILogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { refuse } from "../invalid-prop.js";

const CODE = ["entry", "code", "handler", "runtime"] as const;
const BESIDE = ["timeout", "memorySize", "environment"] as const;
const LOGS = ["logRetention", "logRemovalPolicy", "logRetentionRole", "logRetentionRetryOptions"] as const;
const FAILURES = [
  "deadLetterQueue",
  "deadLetterQueueEnabled",
  "deadLetterTopic",
  "onFailure",
  "onSuccess",
  "maxEventAge",
  "retryAttempts",
] as const;
const BUNDLE = ["bundling", "projectRoot", "depsLockFilePath", "awsSdkConnectionReuse"] as const;

/** Props that the constructs set themselves. */
type Refused = (typeof CODE | typeof BESIDE | typeof LOGS | typeof FAILURES)[number];

/**
 * What CDK's `NodejsFunction` takes, such as `vpc`, `layers`, `tracing` and `reservedConcurrentExecutions`, without what the
 * constructs set themselves. What `bundling` has replaces our settings one by one.
 */
export interface FunctionProps extends Omit<NodejsFunctionProps, Refused | "logGroup"> {
  /** A log group of your own. @default one is made, and keeps the log as long as `logRetention` says */
  readonly logGroup?: ILogGroup;
}

/** The same for a function whose bundle comes with the package. */
export type BundledFunctionProps = Omit<FunctionProps, (typeof BUNDLE)[number]>;

interface Refusal {
  readonly names: readonly string[];
  readonly rule: string;
  /** @param name the prop that was given */
  readonly suggestion?: (name: string) => string;
}

const NOT_THE_CODE: Refusal = {
  names: CODE,
  rule: "must not be given: the function runs the export `handler` on the Node.js that this version is made for",
};
const NOT_THE_LOG: Refusal = {
  names: LOGS,
  rule: "must not be given: the function has a log group of its own",
  suggestion: () => "logRetention beside functionProps, or functionProps.logGroup",
};

const OF_A_JOB: readonly Refusal[] = [
  { ...NOT_THE_CODE, suggestion: () => "a function of your own, in the prop function" },
  NOT_THE_LOG,
  {
    names: BESIDE,
    rule: "must stand beside functionProps, not in it",
    suggestion: (name) => `{ ${name}: …, functionProps: { … } }`,
  },
  {
    names: FAILURES,
    rule: "must not be given: retry and deadLetterQueue say what happens to events that fail",
    suggestion: () => "retry or deadLetterQueue beside functionProps",
  },
];

const OF_THE_MONITOR: readonly Refusal[] = [
  NOT_THE_CODE,
  NOT_THE_LOG,
  {
    names: BESIDE.slice(1),
    rule: "must stand beside functionProps, not in it",
    suggestion: (name) => `{ ${name}: …, functionProps: { … } }`,
  },
  {
    names: ["timeout", ...FAILURES, ...BUNDLE],
    rule: "must not be given: the package decides this for its monitor",
  },
];

export function checkJobFunction(scope: Construct, props: FunctionProps | undefined): void {
  checkProps(scope, props, OF_A_JOB);
  checkBanner(scope, props?.bundling);
}

export function checkMonitorFunction(scope: Construct, props: BundledFunctionProps | undefined): void {
  checkProps(scope, props, OF_THE_MONITOR);
}

function checkProps(
  scope: Construct,
  props: BundledFunctionProps | undefined,
  refusals: readonly Refusal[],
): void {
  if (props === undefined) return;
  if (typeof props !== "object" || props === null) {
    refuse(scope, "functionProps", "must be an object", props, '{ description: "Nightly reports" }');
  }
  const given = props as Readonly<Record<string, unknown>>;
  for (const { names, rule, suggestion } of refusals) {
    const name = names.find((one) => given[one] !== undefined);
    if (name !== undefined) refuse(scope, `functionProps.${name}`, rule, given[name], suggestion?.(name));
  }
  const { reservedConcurrentExecutions: reserved } = props;
  if (reserved === undefined || Token.isUnresolved(reserved) || reserved >= 1) return;
  const rule = "must be at least 1, or no run can start";
  refuse(scope, "functionProps.reservedConcurrentExecutions", rule, reserved, 1);
}

/** The props beside `functionProps` that say how long a log is kept. */
export function checkLogs(
  scope: Construct,
  props: { readonly logRetention?: RetentionDays; readonly functionProps?: BundledFunctionProps },
): void {
  const { logRetention, functionProps } = props;
  if (logRetention === undefined || functionProps?.logGroup === undefined) return;
  const rule = "must not be given beside functionProps.logGroup, which has a retention of its own";
  refuse(scope, "logRetention", rule, logRetention, "new LogGroup(…, { retention })");
}

/** Two declarations of one name are a syntax error, which shows only when the function runs. */
function checkBanner(scope: Construct, bundling: NodejsFunctionProps["bundling"]): void {
  const { banner, format = OutputFormat.ESM } = bundling ?? {};
  if (banner === undefined || format !== OutputFormat.ESM) return;
  if (!/\b(const|let|var|function)\s+require\b/.test(banner)) return;
  const rule = "must not declare `require`: our own banner, which comes before it, declares it already";
  refuse(scope, "functionProps.bundling.banner", rule, banner, undefined);
}

/** CommonJS packages within an ES module still call `require`. */
const REQUIRE =
  'import{createRequire as incumbentRequire}from"node:module";const require=incumbentRequire(import.meta.url);';

/** The user's settings, and ours where there are none. */
export function bundlingOf(
  given: NonNullable<NodejsFunctionProps["bundling"]> = {},
): NonNullable<NodejsFunctionProps["bundling"]> {
  const { format = OutputFormat.ESM, banner, bundleAwsSDK = false } = given;
  return {
    minify: true,
    // With the names and lines of the source, and without its text.
    sourceMap: true,
    sourcesContent: false,
    // The AWS SDK's clients come with the runtime.
    ...(!bundleAwsSDK && { externalModules: ["@aws-sdk/client-*", "@aws-sdk/lib-*"] }),
    ...(format === OutputFormat.ESM && { mainFields: ["module", "main"] }),
    ...given,
    format,
    ...(format === OutputFormat.ESM && { banner: `${REQUIRE}${banner ?? ""}` }),
  };
}
