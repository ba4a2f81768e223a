import { CfnResource, Validations } from "aws-cdk-lib";
import type { IRole } from "aws-cdk-lib/aws-iam";
import type { IConstruct } from "constructs";

/**
 * Says why findings of cdk-nag are none here, so that it does not report them to users that have it on their app. Version 3
 * of cdk-nag reads CDK's acknowledgments, version 2 the metadata of the resource.
 * @param construct of one resource
 * @param findings such as `AwsSolutions-IAM5[Resource::*]`
 */
export function acknowledge(construct: IConstruct, findings: readonly string[], reason: string): void {
  Validations.of(construct).acknowledge(...findings.map((id) => ({ id, reason })));
  const resource = construct.node.defaultChild;
  if (!CfnResource.isCfnResource(resource)) return;
  const { rules_to_suppress: others = [] } = resource.getMetadata("cdk_nag") ?? {};
  const rules = findings.map((finding) => {
    const [, id, detail] = /^([^[]+)(?:\[(.+)\])?$/.exec(finding) ?? [];
    return { id, reason, ...(detail !== undefined && { applies_to: [detail] }) };
  });
  resource.addMetadata("cdk_nag", { rules_to_suppress: [...others, ...rules] });
}

/** A rule of NIST 800-53, in both revisions that cdk-nag checks. */
export function nist(rule: string): string[] {
  return [`NIST.800.53.R4-${rule}`, `NIST.800.53.R5-${rule}`];
}

/** The policy that CDK writes for a role of ours once something is granted to it. `Role.customizeRoles` makes none. */
export function acknowledgePolicy(role: IRole, findings: readonly string[] = [], reason = ""): void {
  const policy = role.node.tryFindChild("DefaultPolicy");
  if (!policy) return;
  acknowledge(policy, nist("IAMNoInlinePolicy"), "It is for one role alone, and is deleted with that role.");
  if (findings.length > 0) acknowledge(policy, findings, reason);
}
