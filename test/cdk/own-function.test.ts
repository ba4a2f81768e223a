import { Duration, Lazy, Stack } from "aws-cdk-lib";
import { Code, Function as LambdaFunction, Runtime, SingletonFunction } from "aws-cdk-lib/aws-lambda";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { expect, test } from "vitest";
import { type ILeaseTable, LeaseTable, ScheduledLeader, type ScheduledLeaderProps } from "../../lib/index.js";
import { entry, environment, leader, ownFunction } from "./scheduled-job.js";
import { newApp, newStack, only, refusal, resources } from "./synth.js";

/** A job in a function of the user's own. */

const timeout = Duration.seconds(30);
const at = (hour: string) => ScheduleExpression.cron({ hour, minute: "0" });
const arn = "arn:aws:lambda:eu-west-1:111122223333:function:nightly";
const code = {
  runtime: Runtime.NODEJS_24_X,
  handler: "index.handler",
  code: Code.fromInline("exports.handler = async () => {};"),
};
const MADE_HERE =
  "function: must be a Function that this app makes: it gets variables, permissions and retries";
const NEW_ONE = 'Suggestion: new NodejsFunction(this, "Nightly", { entry: "src/nightly.ts" }).';

test.each<[string, (stack: Stack) => unknown, string]>([
  [
    "an alias",
    (stack) => ownFunction(stack, { timeout }).addAlias("live"),
    `${MADE_HERE}; received an alias. Suggestion: the function itself.`,
  ],
  [
    "a version",
    (stack) => ownFunction(stack, { timeout }).currentVersion,
    `${MADE_HERE}; received a version. Suggestion: the function itself.`,
  ],
  [
    "an imported function",
    (stack) => LambdaFunction.fromFunctionArn(stack, "Own", arn),
    `${MADE_HERE}; received an imported function. ${NEW_ONE}`,
  ],
  ["a name", () => "nightly", `${MADE_HERE}; received a string of 7 characters. ${NEW_ONE}`],
])("%s in place of a function: refused", (_, make, message) => {
  const stack = newStack("eu-west-1");
  const own = make(stack) as LambdaFunction;
  expect(refusal(() => leader(stack, { function: own }))).toBe(message);
});

test("a function that CDK keeps elsewhere in the stack: refused", () => {
  const stack = newStack();
  const own = new SingletonFunction(stack, "Own", { ...code, uuid: "6e0f", timeout });
  const message = refusal(() => leader(stack, { function: own as unknown as LambdaFunction }));
  expect(message).toContain(`${MADE_HERE}; received an object`);
});

test("a table in another Region than the function: refused, unless a Region is not known", () => {
  const app = newApp();
  const inRegion = (region: string | undefined) =>
    new Stack(app, `In${region}`, region === undefined ? {} : { env: { region } });
  const [west, central, anywhere] = ["eu-west-1", "eu-central-1", undefined].map(inRegion) as [
    Stack,
    Stack,
    Stack,
  ];
  const table = new LeaseTable(central, "Leases", { tableName: "leases" });
  const props = { table, election: "reports", schedule: at("3"), entry };
  expect(refusal(() => new ScheduledLeader(west, "Nightly", props))).toBe(
    "table: must be in the function's Region, because the function looks for it there; received a table in another " +
      'Region. Suggestion: the replica there: LeaseTable.fromTableName(this, "Leases", "incumbent", { multiRegion: true }).',
  );
  const replica = LeaseTable.fromTableName(west, "Leases", "leases", { multiRegion: true });
  expect(() => new ScheduledLeader(west, "Replica", { ...props, table: replica })).not.toThrow();
  expect(() => new ScheduledLeader(anywhere, "Nightly", props)).not.toThrow();
});

test("a table that exists in another Region or account: refused", () => {
  const stack = newStack("eu-west-1", "Test", "111122223333");
  const existing = (id: string, place: { region?: string; account?: string }) =>
    LeaseTable.fromLeaseTableAttributes(stack, id, { tableName: "leases", ...place });
  const job = (table: ILeaseTable) => () =>
    new ScheduledLeader(stack, `Of${table.node.id}`, {
      table,
      election: "reports",
      schedule: at("3"),
      entry,
    });
  expect(refusal(job(existing("Far", { region: "eu-central-1" })))).toContain(
    "received a table in another Region",
  );
  expect(refusal(job(existing("Foreign", { account: "444455556666" })))).toBe(
    "table: must be in the function's account, because the function looks for it there; received a table in another " +
      'account. Suggestion: new LeaseTable(this, "Leases").',
  );
  expect(job(existing("Near", {}))).not.toThrow();
});

test.each<[string, string, Partial<ScheduledLeaderProps>]>([
  ["INCUMBENT_TABLE", "table", {}],
  ["INCUMBENT_ELECTION", "election", {}],
  ["INCUMBENT_ONCE", "once", { once: false }],
  ["INCUMBENT_TICKS", "ticks", {}],
  ["INCUMBENT_TICK_PERIOD_MS", "schedule", { schedule: at("3") }],
  ["INCUMBENT_STICKY_GROUP", "sticky.group", {}],
  ["INCUMBENT_STICKY_MS", "sticky.for", { sticky: { for: Duration.hours(30) }, schedule: at("3") }],
])("a user's %s is refused: the prop %s sets it", (name, prop, props) => {
  const environment = { [name]: "mine" };
  const message = `${name}: is set by the prop ${prop} alone; received a string of 4 characters. Suggestion: the prop ${prop}.`;
  expect(refusal(() => leader(newStack(), { environment, ...props }))).toBe(`environment.${message}`);
  const stack = newStack();
  const own = ownFunction(stack, { timeout, environment });
  expect(refusal(() => leader(stack, { function: own, ...props }))).toBe(`function.environment.${message}`);
});

test("a user's variable with the very value that the prop has stays", () => {
  const environment = { INCUMBENT_ELECTION: "reports/daily", INCUMBENT_ONCE: "tick" };
  expect(() => leader(newStack(), { environment })).not.toThrow();
});

test("a lazy variable of the user's is computed when the app is synthesized, and not before", () => {
  const stack = newStack();
  const buckets: string[] = [];
  const BUCKETS = Lazy.string({ produce: () => buckets.join(",") });
  leader(stack, { function: ownFunction(stack, { timeout, environment: { BUCKETS } }) });
  buckets.push("invoices");
  expect(environment(stack)).toMatchObject({ BUCKETS: "invoices", INCUMBENT_ELECTION: "reports/daily" });
});

test("retry: false leaves the function's own retries alone; without it they are refused", () => {
  const stack = newStack();
  const own = ownFunction(stack, { timeout, retryAttempts: 1 });
  expect(refusal(() => leader(stack, { function: own }))).toBe(
    "retry: must be false: the function has retries already (retryAttempts, maxEventAge, onFailure, onSuccess, or another " +
      "ScheduledLeader); received a function with an EventInvokeConfig. Suggestion: retry: false.",
  );
  const other = newStack();
  leader(other, { function: ownFunction(other, { timeout, retryAttempts: 1 }), retry: false });
  const { Properties } = only(other, "AWS::Lambda::EventInvokeConfig");
  expect(Properties).toMatchObject({ MaximumRetryAttempts: 1 });
  expect(Properties).not.toHaveProperty("DestinationConfig");
  expect(refusal(() => leader(newStack(), { retry: false }))).toBe(
    "retry: must not be false with entry: its function has no retries of its own; received the boolean false. " +
      "Suggestion: leave it out.",
  );
});

test("one function on two schedules: each invokes it, the first sets its retries", () => {
  const stack = newStack();
  const own = ownFunction(stack, { timeout });
  const table = new LeaseTable(stack, "Leases");
  const props = { table, election: "reports", function: own };
  new ScheduledLeader(stack, "Morning", { ...props, schedule: at("3") });
  new ScheduledLeader(stack, "Evening", { ...props, schedule: at("15"), retry: false });
  expect(Object.keys(resources(stack, "AWS::Scheduler::Schedule"))).toHaveLength(2);
  only(stack, "AWS::Lambda::EventInvokeConfig");
});

test.each<[string, Partial<ScheduledLeaderProps>, string]>([
  [
    "another election",
    { election: "invoices" },
    "election: must give the function the same INCUMBENT_ELECTION",
  ],
  [
    "a rate beside a cron",
    { schedule: ScheduleExpression.rate(Duration.hours(1)) },
    "schedule: must give the function the same INCUMBENT_TICK_PERIOD_MS",
  ],
  ["other ticks", { ticks: "every" }, "ticks: must give the function the same INCUMBENT_TICKS"],
])("one function on two schedules, the second with %s: refused", (_, other, says) => {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases");
  const props = { table, election: "reports", schedule: at("3"), function: ownFunction(stack, { timeout }) };
  new ScheduledLeader(stack, "First", props);
  const second = () => new ScheduledLeader(stack, "Second", { ...props, retry: false, ...other });
  expect(refusal(second)).toContain(`${says} as its other ScheduledLeader, or none as well; received`);
});
