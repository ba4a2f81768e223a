import { Stack } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import {
  ContextAttribute,
  type ISchedule,
  type IScheduleGroup,
  type IScheduleTarget,
  type ScheduleTargetConfig,
  ScheduleTargetInput,
} from "aws-cdk-lib/aws-scheduler";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { acknowledgePolicy } from "../acknowledge.js";
import { grantSend } from "../dead-letter-queue.js";

/** The event that `leaderHandler` gets. The scheduled time is the tick, even if the event arrives late. */
const INPUT = {
  scheduledTime: ContextAttribute.scheduledTime,
  executionId: ContextAttribute.executionId,
  attempt: ContextAttribute.attemptNumber,
};

/** The most that EventBridge Scheduler allows. The event's maximum age ends the tries sooner. */
const DELIVERY_ATTEMPTS = 185;

/**
 * Invokes one function, with a role that may only invoke it and write to its dead-letter queue. CDK's own target also
 * allows every version and alias.
 */
export class LeaderTarget implements IScheduleTarget {
  constructor(
    private readonly scope: Construct,
    private readonly target: IFunction,
    private readonly deadLetterQueue: IQueue,
    private readonly maximumEventAgeInSeconds: number,
    private readonly group: IScheduleGroup | undefined,
  ) {}

  bind(_schedule: ISchedule): ScheduleTargetConfig {
    const stack = Stack.of(this.scope);
    const group =
      this.group?.scheduleGroupArn ??
      stack.formatArn({ service: "scheduler", resource: "schedule-group", resourceName: "default" });
    const role = new Role(this.scope, "SchedulerRole", {
      description: "Lets EventBridge Scheduler invoke one function",
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": stack.account, "aws:SourceArn": group } },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [this.target.functionArn] }),
    );
    acknowledgePolicy(role);
    grantSend(this.deadLetterQueue, role);
    return {
      arn: this.target.functionArn,
      role,
      input: ScheduleTargetInput.fromObject(INPUT),
      deadLetterConfig: { arn: this.deadLetterQueue.queueArn },
      retryPolicy: {
        maximumEventAgeInSeconds: this.maximumEventAgeInSeconds,
        maximumRetryAttempts: DELIVERY_ATTEMPTS,
      },
    };
  }
}
