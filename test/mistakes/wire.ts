import { afterAll, inject } from "vitest";
import { type FaultProxy, type Match, startFaultProxy } from "../support/fault-proxy.js";

/** Answers that DynamoDB Local never gives, with the texts of AWS. */

export interface AwsError {
  readonly name: string;
  readonly message: string;
  readonly status?: number;
}

export const EXPIRED: AwsError = {
  name: "ExpiredTokenException",
  message: "The security token included in the request is expired",
};
export const UNKNOWN_KEY: AwsError = {
  name: "UnrecognizedClientException",
  message: "The security token included in the request is invalid.",
};
export const WRONG_SECRET: AwsError = {
  name: "InvalidSignatureException",
  message:
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key " +
    "and signing method. Consult the service documentation for details.",
};
export const WRONG_CLOCK: AwsError = {
  name: "InvalidSignatureException",
  message:
    "Signature expired: 20261127T080000Z is now earlier than 20261127T085500Z (20261127T090000Z - 5 min.)",
};
export const NOT_SIGNED: AwsError = {
  name: "MissingAuthenticationTokenException",
  message: "Missing Authentication Token",
};
export const NOT_FOUND: AwsError = {
  name: "ResourceNotFoundException",
  message: "Requested resource not found",
};
export const THROTTLED: AwsError = {
  name: "ProvisionedThroughputExceededException",
  message:
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning " +
    "level with the UpdateTable API.",
};
export const BROKEN: AwsError = {
  name: "InternalServerError",
  message: "Internal server error",
  status: 500,
};

/** Of a role without a policy for this action. */
export function denied(action: string, table: string): AwsError {
  const user = "arn:aws:sts::123456789012:assumed-role/worker/i-0123456789abcdef0";
  const resource = `arn:aws:dynamodb:eu-central-1:123456789012:table/${table}`;
  const why = `because no identity-based policy allows the ${action} action`;
  return {
    name: "AccessDeniedException",
    message: `User: ${user} is not authorized to perform: ${action} on resource: ${resource} ${why}`,
  };
}

const open: FaultProxy[] = [];
afterAll(async () => {
  for (const proxy of open.splice(0)) await proxy.close();
});

/** The endpoint of a table that refuses these requests, and serves all others. */
export async function refusing(match: Match, { name, message, status = 400 }: AwsError): Promise<string> {
  const proxy = await startFaultProxy(inject("dynamodb").endpoint);
  open.push(proxy);
  const body = { __type: `com.amazon.coral.service#${name}`, message };
  proxy.otherwise = (request) =>
    (typeof match === "string" ? request.operation === match : match(request))
      ? { kind: "respond", status, body }
      : undefined;
  return proxy.endpoint;
}

/** The endpoint of a server that takes requests and never answers. */
export async function silent(): Promise<string> {
  const proxy = await startFaultProxy(inject("dynamodb").endpoint);
  open.push(proxy);
  proxy.otherwise = () => ({ kind: "blackhole" });
  return proxy.endpoint;
}
