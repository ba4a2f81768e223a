import { type Duration, Token } from "aws-cdk-lib";
import type { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import type { Construct } from "constructs";
import { MAX_TICKS } from "../../src/limits.js";
import { secondsOf } from "../durations.js";
import { refuse } from "../invalid-prop.js";
import { checkPropNames, type NamesOf } from "../prop-names.js";
import {
  defaultRetries,
  MAX_AGE_S,
  MIN_AGE_S,
  maxAgeS,
  maxAttempts,
  type Retries,
  type Ticks,
} from "./retry-window.js";

/** What happens to a run that fails. */
export interface RetryProps {
  /**
   * How often Lambda tries a failed run again, 0 to 2. It does so after 1 minute, and then after 2 more.
   * @default 2, or as many as come before the next tick of a rate
   */
  readonly maximumRetryAttempts?: number;
  /**
   * How old an event may be at its last try: 1 minute to 6 hours.
   * @default 1 hour; less if the next tick of a rate comes before that
   */
  readonly maximumEventAge?: Duration;
}

const RETRY: NamesOf<RetryProps> = { maximumRetryAttempts: true, maximumEventAge: true };

/** What the retries of a job follow from. */
interface Job {
  readonly retry?: RetryProps | false;
  readonly function?: object;
  readonly schedule: ScheduleExpression;
  readonly once?: "tick" | false;
  readonly ticks?: Ticks;
}

/**
 * The retries of a job. Refuses those that come too late for their tick. With `retry: false` they are for the delivery of
 * its events only.
 * @param rateS from one run to the next, in seconds; undefined: unknown
 */
export function retriesOf(scope: Construct, props: Job, rateS: number | undefined): Retries {
  const { retry = {}, once = "tick", ticks = "latest", schedule } = props;
  if (retry === false && !props.function) {
    const rule = "must not be false with entry: its function has no retries of its own";
    refuse(scope, "retry", rule, retry, undefined);
  }
  const given = retry ? checked(scope, retry) : {};
  const expression = schedule.expressionString;
  const occurrence = { rateS, ticks: once ? ticks : undefined };
  const usual = defaultRetries(occurrence);
  const limitS = maxAgeS(occurrence);
  if (limitS !== undefined) {
    const [found, or] =
      ticks === "latest"
        ? ["the next tick has completed", ', or ticks: "every"']
        : [`its tick is older than the last ${MAX_TICKS} completed ones`, ""];
    const { attempts = 0, maxAgeS: ageS = 0 } = given;
    if (ageS > limitS) {
      const rule =
        `must be at most ${limitS} seconds with ${expression}: an older event can find that ${found}, and is then ` +
        "superseded";
      refuse(scope, "retry.maximumEventAge", rule, ageS, `Duration.seconds(${limitS})${or}`);
    }
    const most = maxAttempts(limitS);
    if (attempts > most) {
      const rule =
        `must be at most ${most} with ${expression}: Lambda tries again after 1 minute, and then after 2 more, and can ` +
        `find that ${found}`;
      refuse(scope, "retry.maximumRetryAttempts", rule, attempts, `${most}${or}`);
    }
  }
  return { ...usual, ...given };
}

/** What is given. The attempts can be a token. */
function checked(scope: Construct, retry: RetryProps): Partial<Retries> {
  if (typeof retry !== "object") {
    refuse(scope, "retry", "must be false or an object", retry, "{ maximumRetryAttempts: 1 }");
  }
  checkPropNames(scope, retry, RETRY, "retry");
  const { maximumRetryAttempts, maximumEventAge } = retry;
  const attempts = maximumRetryAttempts;
  if (attempts !== undefined && !Token.isUnresolved(attempts) && ![0, 1, 2].includes(attempts)) {
    refuse(scope, "retry.maximumRetryAttempts", "must be 0, 1 or 2, as Lambda allows", attempts, 2);
  }
  const prop = "retry.maximumEventAge";
  const age = maximumEventAge && secondsOf(scope, prop, maximumEventAge, "Duration.hours(1)");
  if (age !== undefined && !(age >= MIN_AGE_S && age <= MAX_AGE_S)) {
    const rule = `must be ${MIN_AGE_S} to ${MAX_AGE_S} seconds`;
    refuse(scope, prop, rule, age, "Duration.hours(1)");
  }
  return { ...(attempts !== undefined && { attempts }), ...(age !== undefined && { maxAgeS: age }) };
}
