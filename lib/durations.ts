import type { Duration } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { A_TOKEN, refuse } from "./invalid-prop.js";

/** Durations among the props. The errors of CDK do not name the prop. */

/** In plain JavaScript it can be a number. A `Duration` of another copy of CDK is one too. */
export function checkDuration(scope: Construct, prop: string, duration: unknown, suggestion: string): void {
  const given = duration as Partial<Duration> | null | undefined;
  if (typeof given?.toSeconds === "function" && typeof given.isUnresolved === "function") return;
  refuse(scope, prop, "must be a Duration", duration, suggestion);
}

/** The whole seconds of a duration that must be known when the app is synthesized. */
export function secondsOf(scope: Construct, prop: string, duration: Duration, suggestion: string): number {
  checkDuration(scope, prop, duration, suggestion);
  if (duration.isUnresolved()) {
    const rule = "must be known when the app is synthesized: other settings must fit it";
    refuse(scope, prop, rule, A_TOKEN, suggestion);
  }
  const seconds = duration.toSeconds({ integral: false });
  if (!Number.isInteger(seconds)) refuse(scope, prop, "must be whole seconds", seconds, suggestion);
  return seconds;
}

/** The same of a duration that can be a token. Undefined: it is one, in seconds. CDK converts no token. */
export function knownSecondsOf(
  scope: Construct,
  prop: string,
  duration: Duration,
  suggestion: string,
): number | undefined {
  checkDuration(scope, prop, duration, suggestion);
  if (!duration.isUnresolved()) return secondsOf(scope, prop, duration, suggestion);
  if (duration.unitLabel() === "seconds") return undefined;
  const rule = "must be in seconds if it is a token, because nothing can convert it";
  return refuse(scope, prop, rule, A_TOKEN, "Duration.seconds(parameter.valueAsNumber)");
}
