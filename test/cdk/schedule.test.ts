import type { Stack } from "aws-cdk-lib";
import { ScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import { expect, test } from "vitest";
import { ElectionMonitor, LeaseTable } from "../../lib/index.js";
import { readablePolicies } from "./policies.js";
import { leader } from "./scheduled-job.js";
import { newStack, only, refusal } from "./synth.js";

/** The schedule of a job: its state and its group. */

const scheduleOf = (stack: Stack) => only(stack, "AWS::Scheduler::Schedule").Properties;

test("a schedule can be deployed without firing", () => {
  const stack = newStack();
  leader(stack);
  expect(scheduleOf(stack)).toMatchObject({ State: "ENABLED" });
  expect(scheduleOf(stack)).not.toHaveProperty("GroupName");
  const off = newStack();
  leader(off, { enabled: false });
  expect(scheduleOf(off)).toMatchObject({ State: "DISABLED" });
  expect(refusal(() => leader(newStack(), { enabled: "no" as never }))).toBe(
    "enabled: must be true or false; received a string of 2 characters. Suggestion: false.",
  );
});

test("in a group of the user's the Scheduler's role trusts the schedules of that group, and no others", () => {
  const stack = newStack();
  leader(stack, { scheduleGroup: new ScheduleGroup(stack, "Group") });
  expect(scheduleOf(stack)).toMatchObject({ GroupName: expect.stringMatching(/^Test-Group-/) });
  expect(readablePolicies(stack)).toContain(
    "to Service scheduler.amazonaws.com if aws:SourceAccount StringEquals {AWS::AccountId} and " +
      "aws:SourceArn StringEquals {Group.Arn}\n",
  );
  const monitored = newStack();
  new ElectionMonitor(monitored, "Monitor", {
    table: new LeaseTable(monitored, "Leases"),
    scheduleGroup: ScheduleGroup.fromScheduleGroupName(monitored, "Group", "elections"),
  });
  expect(scheduleOf(monitored)).toMatchObject({ GroupName: "elections" });
  expect(readablePolicies(monitored)).toContain(":schedule-group/elections\n");
});
