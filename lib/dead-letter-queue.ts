import { Duration } from "aws-cdk-lib";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { DestinationConfig, IDestination, IFunction } from "aws-cdk-lib/aws-lambda";
import { type IQueue, Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { Kind } from "../src/describe.js";
import { acknowledge } from "./acknowledge.js";
import { refuse } from "./invalid-prop.js";

/** The most that SQS allows. */
const RETENTION = Duration.days(14);

/** @param why which senders do not send to a FIFO queue, as a sentence's end */
export function checkDeadLetterQueue(scope: Construct, queue: IQueue | undefined, why: string): void {
  if (!queue?.fifo) return;
  const rule = `must be a standard queue: ${why}`;
  refuse(scope, "deadLetterQueue", rule, new Kind("a FIFO queue"), 'new Queue(this, "DeadLetters")');
}

/** An encrypted queue that takes messages over TLS only. */
export function newDeadLetterQueue(scope: Construct, id: string): IQueue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: RETENTION,
  });
  const reason = "This queue is where failed events end: it has no dead-letter queue of its own.";
  acknowledge(queue, ["AwsSolutions-SQS3"], reason);
  return queue;
}

/** What CDK's `grantSendMessages` grants, but of the queue's key, if it has one, only what a sender needs. */
export function grantSend(queue: IQueue, grantee: IGrantable): void {
  queue.grant(grantee, "sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl");
  queue.encryptionMasterKey?.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey");
}

/** Where Lambda sends the events of runs that failed for good. CDK's own destination grants more on the queue's key. */
export class DeadLetterDestination implements IDestination {
  constructor(private readonly queue: IQueue) {}

  bind(_scope: Construct, fn: IFunction): DestinationConfig {
    grantSend(this.queue, fn);
    return { destination: this.queue.queueArn };
  }
}
