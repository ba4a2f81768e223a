import { Duration, Validations } from "aws-cdk-lib";
import { type IQueue, Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { Kind } from "../src/describe.js";
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
  Validations.of(queue).acknowledge({ id: "AwsSolutions-SQS3", reason });
  return queue;
}
