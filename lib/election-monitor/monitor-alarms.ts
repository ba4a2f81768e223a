import { Duration } from "aws-cdk-lib";
import {
  type Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { Kind } from "../../src/describe.js";
import { type AlarmChoices, alarmsOf } from "../alarms.js";
import { knownSecondsOf } from "../durations.js";
import { checkElection, refuse } from "../invalid-prop.js";
import { checkPropNames, type NamesOf } from "../prop-names.js";
import type { MonitorMetrics } from "./monitor-metrics.js";

const NAMES = ["silent", "malformedRows"] as const;
/** The alarms of a monitor itself, by name. */
export type MonitorAlarmName = (typeof NAMES)[number];
const ELECTION_NAMES = ["noLeader", "churn", "tickOverdue"] as const;
/** The alarms of an election, by name. */
export type ElectionAlarmName = (typeof ELECTION_NAMES)[number];

/** The alarms of one election. Undefined: it has no limit, or `alarms` leaves it out. */
export type ElectionAlarms = { readonly [name in ElectionAlarmName]: Alarm | undefined };

/** An election that has alarms. */
export interface WatchedElection {
  /** The election's name. */
  readonly election: string;
  /**
   * An alarm goes off when it has had no leader for this long. Give it a few leases. An election that never had a leader
   * lacks one 15 minutes after it is watched for the first time.
   * @default 1 minute
   */
  readonly maxWithoutLeader?: Duration;
  /**
   * An alarm goes off when more terms than this begin in an hour. Leave it out for a scheduled job, where each run is a
   * term.
   * @default no alarm
   */
  readonly maxTermsPerHour?: number;
  /**
   * For scheduled jobs: an alarm goes off when no tick was completed for this time. It counts from the last completed tick,
   * or from when the monitor watches the job for the first time.
   * @default no alarm: it is no scheduled job
   */
  readonly maxSinceLastTick?: Duration;
  /**
   * Which of these alarms to make: `{ noLeader: false }`. An object in place of `false` changes the alarm. `maxTermsPerHour`
   * makes `churn`, and `maxSinceLastTick` makes `tickOverdue`.
   * @default all that have a limit
   */
  readonly alarms?: AlarmChoices<ElectionAlarmName>;
}

/**
 * Runs of the monitor, and how many of them are missed before the alarm goes off: some can be an update of the function, and
 * metrics come a minute or two late.
 */
const RUNS = 8;
const MISSED_RUNS = 6;

/** The props of `MonitorAlarms`. */
export interface MonitorAlarmsProps {
  readonly elections: readonly WatchedElection[];
  readonly metrics: MonitorMetrics;
  /** The invocations of the monitor's function, by the period of `metrics`. */
  readonly invocations: IMetric;
  /** Which alarms to make. `false`: not those of elections either. @default all */
  readonly choices?: AlarmChoices<MonitorAlarmName> | undefined;
  /** The topic that the alarms notify. @default none */
  readonly topic?: ITopic | undefined;
}

/** The alarms of an `ElectionMonitor`. */
export class MonitorAlarms extends Construct {
  /** The monitor does not publish, so no other alarm here can go off. Undefined: `alarms` leaves it out. */
  readonly silent: Alarm | undefined;
  /** A row was damaged, or was not written by this library. Undefined: `alarms` leaves it out. */
  readonly malformedRows: Alarm | undefined;
  readonly #elections = new Map<string, ElectionAlarms>();

  constructor(scope: Construct, id: string, props: MonitorAlarmsProps) {
    super(scope, id);
    const { elections, metrics, choices, topic } = props;
    const newAlarm = alarmsOf(NAMES, choices, topic);
    this.silent = newAlarm(this, "MonitorSilent", "silent", {
      metric: runsOnceInvoked(props),
      threshold: 1,
      evaluationPeriods: RUNS,
      datapointsToAlarm: MISSED_RUNS,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.IGNORE,
      alarmDescription: "The monitor of the elections does not publish: they are not watched.",
    });
    this.malformedRows = newAlarm(this, "MalformedRows", "malformedRows", {
      metric: metrics.malformedRows(),
      threshold: 1,
      alarmDescription: "A row under an election's key was not written by incumbent, or was damaged.",
    });
    elections.forEach((watched, index) => {
      const scope = new Construct(this, `Election${index + 1}`);
      const wanted = choices === false ? false : watched.alarms;
      const alarms = electionAlarms(scope, { ...watched, alarms: wanted ?? true }, metrics, topic);
      this.#elections.set(watched.election, alarms);
    });
  }

  /**
   * The alarms of one of the `elections`. Undefined: the monitor does not watch it.
   * @throws nothing.
   * @example
   * monitor.alarms.of("billing/nightly")?.noLeader?.addAlarmAction(new SnsAction(pager));
   */
  of(election: string): ElectionAlarms | undefined {
    return this.#elections.get(election);
  }
}

function electionAlarms(
  scope: Construct,
  watched: WatchedElection,
  metrics: MonitorMetrics,
  topic: ITopic | undefined,
): ElectionAlarms {
  const { election, maxWithoutLeader = Duration.minutes(1), maxTermsPerHour, maxSinceLastTick } = watched;
  checkLimit(scope, "maxWithoutLeader", maxWithoutLeader, "Duration.minutes(1)");
  checkLimit(scope, "maxSinceLastTick", maxSinceLastTick, "Duration.hours(25)");
  if (maxTermsPerHour !== undefined && !(maxTermsPerHour >= 1)) {
    refuse(scope, "maxTermsPerHour", "must be a number from 1", maxTermsPerHour, 10);
  }
  const newAlarm = alarmsOf(ELECTION_NAMES, watched.alarms, topic);
  return {
    noLeader: newAlarm(scope, "NoLeader", "noLeader", {
      metric: metrics.of(election, "SecondsWithoutLeader"),
      threshold: maxWithoutLeader.toSeconds({ integral: false }),
      alarmDescription: `Election ${election} has had no leader for ${maxWithoutLeader.toHumanString()}.`,
    }),
    churn:
      maxTermsPerHour === undefined
        ? undefined
        : newAlarm(scope, "Churn", "churn", {
            metric: metrics.of(election, "TermsPerHour"),
            threshold: maxTermsPerHour + 1,
            alarmDescription: `Election ${election} changes its leader more than ${maxTermsPerHour} times an hour.`,
          }),
    tickOverdue:
      maxSinceLastTick === undefined
        ? undefined
        : newAlarm(scope, "TickOverdue", "tickOverdue", {
            metric: metrics.of(election, "SecondsSinceLastTick"),
            threshold: maxSinceLastTick.toSeconds({ integral: false }),
            alarmDescription: `Election ${election} has completed no tick for ${maxSinceLastTick.toHumanString()}.`,
          }),
  };
}

const WATCHED: NamesOf<WatchedElection> = {
  election: true,
  maxWithoutLeader: true,
  maxTermsPerHour: true,
  maxSinceLastTick: true,
  alarms: true,
};

export function checkWatched(scope: Construct, elections: readonly WatchedElection[]): void {
  const example = '[{ election: "billing/nightly" }]';
  if (!Array.isArray(elections))
    refuse(scope, "elections", "must be an array of objects", elections, example);
  for (const watched of elections) {
    if (typeof watched !== "object" || watched === null) {
      refuse(scope, "elections", "must be an array of objects, each with an election", watched, example);
    }
    checkPropNames(scope, watched, WATCHED, "elections");
    checkElection(scope, watched.election, "elections");
  }
  const names = elections.map(({ election }) => election);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    refuse(
      scope,
      "elections",
      "must name each election once",
      new Kind("an election twice"),
      "one object with all its limits",
    );
}

function checkLimit(scope: Construct, prop: string, limit: Duration | undefined, suggestion: string): void {
  const limitS = limit && knownSecondsOf(scope, prop, limit, suggestion);
  if (limitS !== undefined && limitS <= 0)
    refuse(scope, prop, "must be more than 0 seconds", limitS, suggestion);
}

/**
 * The runs that succeeded, 0 if there was none; missing until the function was invoked for the first time. So a first
 * deployment is no alarm, and a monitor that fails from the first day is one. When the monitor has been silent for so long that
 * all is missing, the alarm keeps its state.
 */
function runsOnceInvoked({ metrics, invocations }: Pick<MonitorAlarmsProps, "metrics" | "invocations">) {
  return new MathExpression({
    expression: "FILL(runs, 0) * FILL(invocations, REPEAT)",
    usingMetrics: { runs: metrics.runs(), invocations },
    label: "Runs of the monitor",
    period: metrics.period,
  });
}
