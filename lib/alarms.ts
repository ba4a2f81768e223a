import {
  Alarm,
  ComparisonOperator,
  type CreateAlarmOptions,
  type IMetric,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { refuse } from "./invalid-prop.js";

/** Whether to make an alarm. An object: it is made with these properties, in place of ours. */
export type AlarmChoice = boolean | Partial<CreateAlarmOptions>;

/** Which alarms to make: all, none, or a choice for each name. An alarm that is not named is made. */
export type AlarmChoices<Name extends string> = boolean | { readonly [name in Name]?: AlarmChoice };

export interface AlarmRule {
  readonly metric: IMetric;
  /** The alarm goes off at this value. */
  readonly threshold: number;
  readonly alarmDescription: string;
  /** How many periods in a row. @default 1 */
  readonly evaluationPeriods?: number;
  readonly datapointsToAlarm?: number;
  /** @default at the threshold or above it */
  readonly comparisonOperator?: ComparisonOperator;
  /** @default missing data are no fault */
  readonly treatMissingData?: TreatMissingData;
}

/**
 * Makes the alarms that the user chose. They notify the topic when the metric reaches the threshold, and when it no longer
 * does. Undefined: the user does not want this one.
 */
export function alarmsOf<Name extends string>(
  names: readonly Name[],
  choices: AlarmChoices<Name> | undefined,
  topic: ITopic | undefined,
) {
  return (scope: Construct, id: string, name: Name, rule: AlarmRule): Alarm | undefined => {
    const choice = choiceOf(scope, names, choices, name);
    if (choice === false) return undefined;
    const alarm = new Alarm(scope, id, {
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...rule,
      ...(choice === true ? {} : choice),
    });
    if (topic) {
      alarm.addAlarmAction(new SnsAction(topic));
      alarm.addOkAction(new SnsAction(topic));
    }
    return alarm;
  };
}

/** In plain JavaScript a misspelt name would leave an alarm on that the user switched off. */
function choiceOf<Name extends string>(
  scope: Construct,
  names: readonly Name[],
  choices: AlarmChoices<Name> = true,
  name: Name,
): AlarmChoice {
  if (typeof choices === "boolean") return choices;
  const example = `{ ${name}: false }`;
  if (!isObject(choices)) {
    refuse(scope, "alarms", "must be true, false or an object with names of alarms", choices, example);
  }
  const unknown = Object.keys(choices).find((given) => !(names as readonly string[]).includes(given));
  if (unknown !== undefined) {
    refuse(scope, "alarms", `must have no other names than ${names.join(", ")}`, unknown, example);
  }
  const choice: unknown = choices[name] ?? true;
  if (typeof choice === "boolean") return choice;
  if (isObject(choice)) return choice;
  const rule = "must be true, false or properties of an alarm, such as threshold";
  return refuse(scope, `alarms.${name}`, rule, choice, false);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
