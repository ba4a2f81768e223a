import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../simulation/random.js";
import {
  type FaultProxy,
  type Fault as Mishap,
  type SeenRequest,
  startFaultProxy,
} from "../support/fault-proxy.js";

/** `silent`: what is lost leaves the connection open, and nobody is told. */
export interface Cut {
  readonly lost: "requests" | "answers" | "both";
  readonly silent: boolean;
}

/** What is wrong with the `Date` of answers. */
export type HeaderFault = { readonly kind: "off"; readonly byMs: number } | { readonly kind: "missing" };

/** In leases: so that what a leader sends may come when another leads. */
const SLOWEST = 2;

/** The one connection between a worker and the table, and what is wrong with it now. */
export class Wire implements AsyncDisposable {
  cut: Cut | undefined;
  /** Part of the requests that get an error instead of an answer. */
  errors = 0;
  /** Part of the requests that are delayed or doubled. */
  slow = 0;
  /** By how much every answer is late. */
  lateMs = 0;
  /** Only while the worker's wall clock is right. */
  headers: HeaderFault | undefined;
  /** Whether fenced writes are late by more than a lease meanwhile. */
  lateWrites = false;
  errorsGiven = 0;
  /** Of those: transactions refused as a request, and transactions in which a user's item was busy. */
  denied = 0;
  conflicts = 0;

  private constructor(
    private readonly proxy: FaultProxy,
    private readonly random: Random,
    private readonly leaseMs: number,
  ) {
    proxy.recording = false;
    proxy.otherwise = (request) => this.#mishap(request);
    proxy.rewriteDate = (date) => this.#dateFrom(date);
  }

  static async open(tableEndpoint: string, seed: number, leaseMs: number): Promise<Wire> {
    return new Wire(await startFaultProxy(tableEndpoint), new Random(seed), leaseMs);
  }

  get endpoint(): string {
    return this.proxy.endpoint;
  }

  heal(): void {
    this.cut = undefined;
    this.errors = 0;
    this.slow = 0;
    this.lateMs = 0;
    this.headers = undefined;
  }

  /** Breaks the connections there are; how new ones fare is up to `cut`. */
  breakConnections(): void {
    this.proxy.cut();
  }

  holdAnswers(): void {
    this.proxy.pause("answers");
  }

  /** The answers that were held are lost. */
  loseHeldAnswers(): void {
    this.proxy.cut();
    this.proxy.resume();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.proxy.close();
  }

  #dateFrom(date: string): string | undefined {
    if (this.headers === undefined) return date;
    if (this.headers.kind === "missing") return undefined;
    return new Date(Date.parse(date) + this.headers.byMs).toUTCString();
  }

  #mishap(request: SeenRequest): Mishap | undefined {
    const { cut, random } = this;
    if (cut?.lost === "answers") return { kind: cut.silent ? "hang" : "dropAnswer" };
    if (cut) return { kind: cut.silent ? "blackhole" : cut.lost === "both" ? "reset" : "dropRequest" };
    if (random.chance(this.errors)) {
      this.errorsGiven += 1;
      const { is, ...answer } = random.pick(errorsFor(request));
      if (is) this[is] += 1;
      return { kind: "respond", ...answer };
    }
    const later = (ms: number) => delay(ms, undefined, { ref: false });
    if (this.lateMs > 0) {
      // What left last comes when another leads. Each try: one that passed would make the late one a repetition.
      if (this.lateWrites && request.operation === "TransactWriteItems")
        return { kind: "delayRequest", until: later(this.leaseMs * random.between(1.5, 3)) };
      return { kind: "delayAnswer", until: later(this.lateMs) };
    }
    if (!random.chance(this.slow)) return undefined;
    const until = later(this.leaseMs * random.between(0.02, SLOWEST));
    return random.pick<Mishap>([
      { kind: "delayRequest", until },
      { kind: "delayAnswer", until },
      { kind: "duplicate" },
    ]);
  }
}

/** One wire a worker. */
export class Wires implements AsyncDisposable {
  private constructor(readonly all: readonly Wire[]) {}

  static async open(tableEndpoint: string, seed: number, leaseMs: number, count: number): Promise<Wires> {
    const opening = Array.from({ length: count }, (_, i) => Wire.open(tableEndpoint, seed + i, leaseMs));
    return new Wires(await Promise.all(opening));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((wire) => wire[Symbol.asyncDispose]()));
  }
}

interface ErrorAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly is?: "denied" | "conflicts";
}

/** What DynamoDB says when it is too busy, or broken; nothing of the request has landed. */
function errorsFor({ operation, body }: SeenRequest): ErrorAnswer[] {
  const general = [
    error(400, "ProvisionedThroughputExceededException"),
    error(400, "ThrottlingException"),
    error(500, "InternalServerError"),
    { status: 503, body: "Service Unavailable" },
  ];
  if (operation === "UpdateItem") return [...general, error(400, "TransactionConflictException")];
  if (operation !== "TransactWriteItems") return general;
  const { TransactItems: items } = body as { TransactItems: unknown[] };
  const conflictOn = (busy: number) => {
    const CancellationReasons = items.map((_, i) => ({ Code: i === busy ? "TransactionConflict" : "None" }));
    return error(400, "TransactionCanceledException", { CancellationReasons });
  };
  // Any other transaction founds an election, and who is denied that gives up.
  if (!JSON.stringify(body).includes("#commitId")) return [...general, conflictOn(0)];
  const denied = ["ExpiredTokenException", "AccessDeniedException"].map((name) => ({
    ...error(400, name),
    is: "denied" as const,
  }));
  return [...general, conflictOn(0), ...denied, { ...conflictOn(1), is: "conflicts" }];
}

function error(status: number, name: string, more: object = {}): ErrorAnswer {
  return {
    status,
    body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: "injected", ...more },
  };
}
