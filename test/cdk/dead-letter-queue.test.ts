import type { Stack } from "aws-cdk-lib";
import { Key } from "aws-cdk-lib/aws-kms";
import { type IQueue, Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { expect, test } from "vitest";
import { actionsOf, statementsOf } from "./policies.js";
import { leader } from "./scheduled-job.js";
import { newStack, refusal } from "./synth.js";

/** A queue of the user's own, for events that were not delivered and for runs that failed for good. */

const ARN = "arn:aws:sqs:eu-west-1:123456789012:failed";
const KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/0c1fd5b4-1111-2222-3333-444455556666";

test.each<[string, (stack: Stack) => IQueue]>([
  [
    "a queue of this app",
    (stack) => {
      const encryptionMasterKey = new Key(stack, "Key");
      return new Queue(stack, "Mine", { encryption: QueueEncryption.KMS, encryptionMasterKey });
    },
  ],
  [
    "an imported queue",
    (stack) => Queue.fromQueueAttributes(stack, "Mine", { queueArn: ARN, keyArn: KEY_ARN }),
  ],
])("%s with a key of one's own: the Scheduler and the function may both use the key", (_, make) => {
  const stack = newStack("eu-west-1");
  leader(stack, { deadLetterQueue: make(stack) });
  for (const role of ["SchedulerRole", "NightlyJobRole"]) {
    const actions = statementsOf(stack, role).flatMap(actionsOf);
    expect(actions, role).toEqual(
      expect.arrayContaining(["sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"]),
    );
  }
});

test("a FIFO queue: refused, also an imported one", () => {
  const message =
    "deadLetterQueue: must be a standard queue: neither EventBridge Scheduler nor Lambda sends failed events to a FIFO " +
    'queue; received a FIFO queue. Suggestion: new Queue(this, "DeadLetters").';
  const fifo = (make: (stack: Stack) => IQueue) =>
    refusal(() => {
      const stack = newStack();
      leader(stack, { deadLetterQueue: make(stack) });
    });
  expect(fifo((stack) => new Queue(stack, "Mine", { fifo: true }))).toBe(message);
  expect(fifo((stack) => Queue.fromQueueArn(stack, "Mine", `${ARN}.fifo`))).toBe(message);
});
