import { needsOf } from "../cdk/requests-needed.js";
import { type Fault, type FaultProxy, type SeenRequest, startFaultProxy } from "../support/fault-proxy.js";
import { CANDIDATE_POLICY } from "./policy.js";

/** An account's id, to see that no report names it. */
export const ACCOUNT = "424242424242";
/** The access keys of a candidate with the least rights, and of one that may read only. */
export const CANDIDATE_KEY = "candidate";
export const READER_KEY = "reader";

interface Transaction {
  readonly TransactItems: readonly object[];
  readonly ClientRequestToken?: string;
}

/** DynamoDB Local with what only AWS does: conflicts, throttling, tokens that are forgotten, IAM, other error names. */
export class PretendAws implements AsyncDisposable {
  /** Each request of this number is throttled. 0: none. */
  throttleEvery = 0;
  /** Every second write of a counter meets another transaction. */
  conflicting = false;
  /** What AWS does not do: each update of a counter is applied twice. */
  twice = false;
  #tokenAge = 0;
  /** Undefined: a table of one Region. */
  replicated: "STRONG" | "EVENTUAL" | undefined;
  #requests = 0;
  readonly #writes: Record<string, number> = {};

  private constructor(readonly proxy: FaultProxy) {
    proxy.recording = false;
    proxy.otherwise = (request) => this.#play(request);
  }

  static async start(upstream: string): Promise<PretendAws> {
    return new PretendAws(await startFaultProxy(upstream));
  }

  get endpoint(): string {
    return this.proxy.endpoint;
  }

  /** Ten minutes are over. */
  forgetTokens(): void {
    this.#tokenAge += 1;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.proxy.close();
  }

  #play(request: SeenRequest): Fault | undefined {
    const { operation, body } = request;
    const denied = deniedTo(request);
    if (denied) return denied;
    const { TableName } = body as { TableName?: string };
    if (this.replicated && operation === "DescribeTable") {
      const TableArn = `arn:aws:dynamodb:eu-west-1:${ACCOUNT}:table/${TableName}`;
      const Replicas = [{ RegionName: "eu-west-2" }, { RegionName: "eu-west-3" }];
      const Table = {
        TableName,
        TableArn,
        TableStatus: "ACTIVE",
        Replicas,
        MultiRegionConsistency: this.replicated,
      };
      return { kind: "respond", status: 200, body: { Table } };
    }
    if (this.replicated === "STRONG" && operation === "TransactWriteItems") {
      return error(
        "ValidationException",
        "Transactions are not supported on tables with multi-Region strong consistency",
      );
    }
    if (this.throttleEvery > 0 && ++this.#requests % this.throttleEvery === 0)
      return error("ThrottlingException", "Rate exceeded");
    const isWrite = operation === "UpdateItem" || operation === "TransactWriteItems";
    if (isWrite && /"verify\/conflicts[^#]*"\},"sk":\{"S":"counter"/.test(JSON.stringify(body))) {
      if (this.twice && operation === "UpdateItem") return { kind: "duplicate" };
      const writes = (this.#writes[operation] ?? 0) + 1;
      this.#writes[operation] = writes;
      if (this.conflicting && writes % 2 === 0) return conflict(operation, body as Transaction);
    }
    if (operation !== "TransactWriteItems" || this.#tokenAge === 0) return undefined;
    const { ClientRequestToken: token, ...transaction } = body as Transaction;
    const another = `${this.#tokenAge}-${token}`.slice(0, 36);
    return { kind: "replace", body: { ...transaction, ClientRequestToken: another } };
  }
}

/** On the last item, which is the user's. */
function conflict(operation: string, { TransactItems = [] }: Transaction): Fault {
  if (operation === "UpdateItem")
    return error("TransactionConflictException", "Transaction is ongoing for the item");
  const CancellationReasons = TransactItems.map((_, i) => ({
    Code: i === TransactItems.length - 1 ? "TransactionConflict" : "None",
  }));
  return error("TransactionCanceledException", "Transaction cancelled", { CancellationReasons });
}

function deniedTo(request: SeenRequest): Fault | undefined {
  const key = /Credential=([^/]*)\//.exec(String(request.headers.authorization))?.[1];
  if (key !== CANDIDATE_KEY && key !== READER_KEY) return undefined;
  const { TableName, TransactItems = [] } = request.body as { TableName?: string; TransactItems?: object[] };
  const parts = TransactItems.flatMap((item) => Object.values(item) as { TableName: string }[]);
  const table = TableName ?? parts[0]?.TableName ?? "";
  const denied = needsOf(request, table).find(
    ({ action, leadingKey }) =>
      !allows(action, leadingKey) || (key === READER_KEY && action !== "dynamodb:GetItem"),
  );
  if (!denied) return undefined;
  const who = `arn:aws:sts::${ACCOUNT}:assumed-role/candidate/verify`;
  const resource = `arn:aws:dynamodb:eu-west-1:${ACCOUNT}:table/${table}`;
  const because = `because no identity-based policy allows the ${denied.action} action`;
  return error(
    "AccessDeniedException",
    `User: ${who} is not authorized to perform: ${denied.action} on resource: ${resource} ${because}`,
  );
}

function allows(action: string, leadingKey: string | undefined): boolean {
  return CANDIDATE_POLICY.Statement.some(
    ({ Action, Condition }) =>
      Action.includes(action) &&
      leadingKey !== undefined &&
      Object.entries(Condition)
        .filter(([comparison]) => comparison.startsWith("ForAllValues:"))
        .every(([, keys]) => [keys["dynamodb:LeadingKeys"]].flat().some((key) => isLike(leadingKey, key))),
  );
}

/** With `*` only at the end. No name has one. */
function isLike(key: string, pattern = ""): boolean {
  return pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
}

/** Under the name that AWS uses: DynamoDB Local has another prefix. */
function error(name: string, message: string, more: object = {}): Fault {
  const service = /^(Throttling|AccessDenied)/.test(name)
    ? "com.amazon.coral.service"
    : "com.amazonaws.dynamodb.v20120810";
  return { kind: "respond", status: 400, body: { __type: `${service}#${name}`, message, ...more } };
}
