import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { vi } from "vitest";
import { Election } from "../../src/index.js";
import { newClient } from "../support/fixture.js";
import type { Section } from "./section.js";
import { LEASES, LEDGER, PATIENT, tables } from "./tables.js";
import * as wire from "./wire.js";

/** One try with these options, beside a client of the table and a name. */
const trying =
  (options: object = {}, call: (election: Election) => unknown = (election) => election.tryCampaign()) =>
  async () => {
    await tables();
    return call(
      new Election({
        client: newClient(),
        tableName: LEASES,
        name: "billing/nightly",
        label: "worker-1",
        ...PATIENT,
        ...options,
      }),
    );
  };
/** The same with an endpoint of its own. */
const tryingAt =
  (endpoint: () => string | Promise<string>, options: object = {}, call?: (election: Election) => unknown) =>
  async () =>
    trying({ client: newClient(await endpoint(), { maxAttempts: 1 }), ...options }, call)();
const refused = (error: wire.AwsError, operation = "GetItem", call?: (election: Election) => unknown) =>
  tryingAt(() => wire.refusing(operation, error), {}, call);

/** As on a host on which nobody has configured AWS. */
const onBareHost = async (config: object) => {
  for (const each of Object.keys(process.env).filter((each) => each.startsWith("AWS_")))
    vi.stubEnv(each, undefined);
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  try {
    const client = new DynamoDBClient({ endpoint: "http://127.0.0.1:8000", ...config });
    await new Election({ client, tableName: LEASES, name: "billing/nightly" }).tryCampaign();
  } finally {
    vi.unstubAllEnvs();
  }
};
const keys = { accessKeyId: "a", secretAccessKey: "b" };

export const table: Section = {
  title: "The table",
  mistakes: {
    "a table that does not exist, or is in another Region or account": trying({ tableName: "incumbnt" }),
    "your own table, which has other keys": trying({ tableName: LEDGER }),
    "the same with a `DynamoDBDocumentClient`": async () =>
      trying({ client: DynamoDBDocumentClient.from(newClient()), tableName: LEDGER })(),
    "an election whose row another program has written": trying({ name: "another-program" }),
    "an old version of this library next to a newer one": trying({ name: "newer-version" }),
    "an endpoint where nothing listens": tryingAt(() => "http://127.0.0.1:1"),
    "a misspelt Region or endpoint, whose host name does not exist": () => {
      const unknown = { code: "ENOTFOUND" };
      const handle = () => Promise.reject(Object.assign(new Error("getaddrinfo ENOTFOUND"), unknown));
      return trying({
        client: newClient(undefined, { maxAttempts: 1, requestHandler: { handle } as never }),
      })();
    },
    "an endpoint that never answers, such as behind a firewall": tryingAt(wire.silent, {
      tuning: { requestTimeoutMs: 100 },
    }),
    "an endpoint that is not DynamoDB": tryingAt(() =>
      wire.refusing("GetItem", { name: "", message: "", status: 404 }),
    ),
    "a table with too little capacity": refused(wire.THROTTLED),
    "a failure inside DynamoDB": refused(wire.BROKEN),
  },
};

export const access: Section = {
  title: "Region, credentials and permissions",
  mistakes: {
    "no Region": () => onBareHost({ credentials: keys }),
    "a Region that does not exist: `eu central 1`": () =>
      onBareHost({ credentials: keys, region: "eu central 1" }),
    "no credentials": () => onBareHost({ region: "eu-central-1" }),
    "credentials that have expired": refused(wire.EXPIRED),
    "an access key that AWS does not know, such as one for DynamoDB Local": refused(wire.UNKNOWN_KEY),
    "a wrong secret access key": refused(wire.WRONG_SECRET),
    "a host whose clock is wrong by minutes": refused(wire.WRONG_CLOCK),
    "a request that was not signed": refused(wire.NOT_SIGNED),
    "no permission for `GetItem`": refused(wire.denied("dynamodb:GetItem", LEASES)),
    "no permission for `UpdateItem`": refused(wire.denied("dynamodb:UpdateItem", LEASES), "UpdateItem"),
    "no permission for `Query`": refused(wire.denied("dynamodb:Query", LEASES), "Query", (election) =>
      election.history(),
    ),
    "no permission for `ConditionCheckItem`": tryingAt(
      () => wire.refusing("TransactWriteItems", wire.denied("dynamodb:ConditionCheckItem", LEASES)),
      { name: "no-condition-check" },
    ),
    "no permission for `Query` on the candidates": refused(
      wire.denied("dynamodb:Query", LEASES),
      "Query",
      (election) => election.candidates(),
    ),
    "a denied request whose message names no action": refused({
      name: "AccessDeniedException",
      message: "Access denied",
    }),
  },
};
