import { type App, CfnParameter, Stack } from "aws-cdk-lib";
import { EventBus } from "aws-cdk-lib/aws-events";
import { SnsTopic } from "aws-cdk-lib/aws-events-targets";
import { Topic } from "aws-cdk-lib/aws-sns";
import { expect, test } from "vitest";
import { LeaderChanges, LeaseTable } from "../../lib/index.js";
import { newStack, only, refusal, resources } from "./synth.js";

/** `onLeaderElected` and `onLeadershipEnded`: rules for the events of one table. */

function newChanges(stack: Stack) {
  const table = new LeaseTable(stack, "Leases", { stream: true });
  return new LeaderChanges(stack, "Changes", { table, eventBus: new EventBus(stack, "Bus") });
}

/** What the pipes put on the bus, without the detail. */
function sentBy(stack: Stack) {
  return Object.values(resources(stack, "AWS::Pipes::Pipe")).map(({ Properties }) => {
    const target = Properties.TargetParameters as { EventBridgeEventBusParameters: object };
    return target.EventBridgeEventBusParameters as Record<"Source" | "DetailType" | "Resources", unknown>;
  });
}

test("a rule takes the events of this table, of its pipe, from its bus, to the target", () => {
  const stack = newStack();
  const changes = newChanges(stack);
  changes.onLeaderElected("Tell", { target: new SnsTopic(new Topic(stack, "Topic")), description: "Tells" });
  changes.onLeadershipEnded("End");
  const rules = resources(stack, "AWS::Events::Rule");
  const patterns = sentBy(stack).map(({ Source, DetailType, Resources }) => ({
    source: [Source],
    "detail-type": [DetailType],
    resources: Resources,
  }));
  expect(
    [rules.ChangesRulesTell, rules.ChangesRulesEnd].map((rule) => rule?.Properties.EventPattern),
  ).toEqual(patterns);
  expect(rules.ChangesRulesTell?.Properties).toMatchObject({
    EventBusName: { Ref: expect.stringMatching(/^Bus/) },
    Description: "Tells",
    Targets: [{ Arn: { Ref: expect.stringMatching(/^Topic/) } }],
  });
});

test("a rule can be for single elections, and for what a pattern of the user's says too", () => {
  const stack = newStack();
  const token = new CfnParameter(stack, "Name").valueAsString;
  newChanges(stack).onLeaderElected("Tell", {
    elections: ["billing/nightly", token],
    eventPattern: { detail: { leader: [{ prefix: "eu-" }] } },
  });
  expect(only(stack, "AWS::Events::Rule").Properties.EventPattern).toMatchObject({
    "detail-type": ["Leader Elected"],
    detail: { election: ["billing/nightly", { Ref: "Name" }], leader: [{ prefix: "eu-" }] },
  });
});

test("a rule can be in the stack of its target", () => {
  const stack = newStack("eu-west-1");
  const other = new Stack(stack.node.root as App, "Other", { env: { region: "eu-west-1" } });
  const rule = newChanges(stack).onLeaderElected("Tell", { crossStackScope: other });
  expect(Stack.of(rule)).toBe(other);
});

test("a rule can have the id of a construct of ours", () => {
  const stack = newStack();
  const changes = newChanges(stack);
  const own = changes.node.children.map(({ node }) => node.id);
  for (const id of own) changes.onLeaderElected(id);
  expect(Object.keys(resources(stack, "AWS::Events::Rule"))).toHaveLength(own.length);
});

test("elections that cannot be: refused", () => {
  const on = (elections: string[]) =>
    refusal(() => newChanges(newStack()).onLeaderElected("Tell", { elections }));
  expect(on(["a b"])).toBe(
    "elections: must be 1 to 200 characters: A-Z a-z 0-9 . _ / - (character 2 is not allowed); " +
      "received a string of 3 characters. Suggestion: billing/nightly.",
  );
  expect(on([])).toBe(
    'elections: must name an election, or be left out for all of them; received an empty array. Suggestion: ["billing/nightly"].',
  );
});
