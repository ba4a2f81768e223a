import {
  DefaultTokenResolver,
  type IResolvable,
  type IResolveContext,
  Stack,
  StringConcat,
  Tokenization,
} from "aws-cdk-lib";
import type { CfnFunction, Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { refuse } from "../invalid-prop.js";
import type { ScheduledLeaderProps } from "./scheduled-leader-props.js";

/** The variables that `leaderHandler` reads, and the prop that sets each. */
const SET_BY = {
  INCUMBENT_TABLE: "table",
  INCUMBENT_ELECTION: "election",
  INCUMBENT_ONCE: "once",
  INCUMBENT_TICKS: "ticks",
  INCUMBENT_TICK_PERIOD_MS: "schedule",
  INCUMBENT_STICKY_GROUP: "sticky.group",
  INCUMBENT_STICKY_MS: "sticky.for",
} as const;
const NAMES = Object.keys(SET_BY) as (keyof typeof SET_BY)[];

type Variables = { readonly [name in keyof typeof SET_BY]?: string };

/** @param rateS from one run to the next, in seconds; undefined: unknown */
export function variablesOf(
  scope: Construct,
  { table, election, once = "tick", ticks, sticky }: ScheduledLeaderProps,
  rateS: number | undefined,
): Variables {
  return {
    INCUMBENT_TABLE: table.tableName,
    INCUMBENT_ELECTION: election,
    ...(once && { INCUMBENT_ONCE: once }),
    ...(once && ticks && { INCUMBENT_TICKS: ticks }),
    ...(once && rateS !== undefined && { INCUMBENT_TICK_PERIOD_MS: String(rateS * 1_000) }),
    ...(sticky && {
      INCUMBENT_STICKY_GROUP: sticky.group ?? Stack.of(scope).region,
      INCUMBENT_STICKY_MS: String(sticky.for.toMilliseconds()),
    }),
  };
}

/** What the first `ScheduledLeader` of a function has set. */
const setBefore = new WeakMap<LambdaFunction, Variables>();

/**
 * Sets the variables of the function. Refuses other values that are there, from the user or from another
 * `ScheduledLeader`: one of the two would run with settings that are not its own.
 * @param where the prop that has the user's variables
 */
export function setVariables(
  scope: Construct,
  job: LambdaFunction,
  variables: Variables,
  where: "environment" | "function.environment",
): void {
  const before = setBefore.get(job);
  const there = before ?? environmentOf(job);
  for (const name of NAMES) {
    const [prop, value, other] = [SET_BY[name], variables[name], there[name]];
    if (isSame(scope, value, other)) continue;
    if (before) {
      const rule = `must give the function the same ${name} as its other ScheduledLeader, or none as well`;
      refuse(scope, prop, rule, value, "a function of its own");
    }
    if (other !== undefined) {
      refuse(scope, `${where}.${name}`, `is set by the prop ${prop} alone`, other, `the prop ${prop}`);
    }
  }
  for (const [name, value] of Object.entries(variables)) job.addEnvironment(name, value);
  setBefore.set(job, variables);
}

function environmentOf(job: LambdaFunction): Readonly<Record<string, unknown>> {
  const { environment } = job.node.defaultChild as CfnFunction;
  const { variables } = opened<{ variables?: unknown }>(job, environment);
  return opened(job, variables);
}

/** What a token stands for. Tokens in it stay: CDK computes a lazy value of the user's once, and must not do so now. */
function opened<T extends object>(scope: Construct, value: unknown): Partial<T> {
  const found = Tokenization.isResolvable(value)
    ? Tokenization.resolve(value, { scope, resolver: OUTERMOST })
    : value;
  return (found as T | undefined) ?? {};
}

class Outermost extends DefaultTokenResolver {
  override resolveToken(token: IResolvable, context: IResolveContext): unknown {
    return token.resolve(context);
  }
}
const OUTERMOST = new Outermost(new StringConcat());

/** One reference can have two tokens. */
function isSame(scope: Construct, one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  const text = (value: unknown) => JSON.stringify(Stack.of(scope).resolve(value));
  return text(one) === text(other);
}
