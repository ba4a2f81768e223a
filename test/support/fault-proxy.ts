import { EventEmitter, once } from "node:events";
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export type Fault =
  /** The write lands, its answer is lost with the connection. */
  | { readonly kind: "dropAnswer" }
  /** The request is lost with the connection. */
  | { readonly kind: "dropRequest" }
  /** The request waits on its way; it lands late even if the client has gone meanwhile. */
  | { readonly kind: "delayRequest"; readonly until: Promise<void> }
  /** The write lands, its answer waits on its way. */
  | { readonly kind: "delayAnswer"; readonly until: Promise<void> }
  /** The write lands, its answer never comes, the connection stays open. */
  | { readonly kind: "hang" }
  /** Nothing lands, no answer comes, the connection stays open. */
  | { readonly kind: "blackhole" }
  /** Nothing lands, the connection is reset. */
  | { readonly kind: "reset" }
  /** Nothing lands, the answer is forged: `__type` in the body names an error. */
  | {
      readonly kind: "respond";
      readonly status: number;
      readonly body: unknown;
      readonly headers?: OutgoingHttpHeaders;
    }
  /** Another content lands. */
  | { readonly kind: "replace"; readonly body: unknown }
  /** The request lands twice, one after the other; the first answer counts. */
  | { readonly kind: "duplicate" };

export interface SeenRequest {
  /** As in `x-amz-target`: "UpdateItem". */
  readonly operation: string;
  /** Undefined if it was not JSON. */
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
  /** Milliseconds by the monotonic clock. */
  readonly at: number;
}

/** The name of an operation, or a question about a request. */
export type Match = string | ((request: SeenRequest) => boolean);

type Direction = "requests" | "answers";

interface Planned {
  readonly match: Match;
  readonly fault: Fault;
  readonly done: (request: SeenRequest) => void;
}

interface Message {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer | string;
}

/** Stands between clients and the table at `upstreamEndpoint`, on a free port of the loopback interface. */
export async function startFaultProxy(upstreamEndpoint: string): Promise<FaultProxy> {
  const server = createServer({ keepAliveTimeout: 0 }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return new FaultProxy(server, upstreamEndpoint);
}

export class FaultProxy implements AsyncDisposable {
  readonly endpoint: string;
  /** May forge the `Date` of every answer; undefined leaves it out. */
  rewriteDate: (date: string) => string | undefined = (date) => date;
  /** Asked about every request that no plan was made for. */
  otherwise: (request: SeenRequest) => Fault | undefined = () => undefined;
  /** Whether `requests` and `seen()` remember: not for hours of them. */
  recording = true;

  readonly #upstream: string;
  readonly #server: ReturnType<typeof createServer>;
  // Given up before the table does, so that no request meets a connection about to be closed.
  readonly #agent = new Agent({ keepAlive: true, timeout: 5_000 });
  readonly #requests: SeenRequest[] = [];
  readonly #plan: Planned[] = [];
  readonly #paused = new Set<Direction>();
  readonly #held = new Set<SeenRequest>();
  #working = 0;
  readonly #events = new EventEmitter<{ request: []; resume: [] }>().setMaxListeners(0);
  #closed: Promise<unknown> | undefined;

  constructor(server: ReturnType<typeof createServer>, upstreamEndpoint: string) {
    this.#server = server;
    this.#upstream = upstreamEndpoint;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (incoming, outgoing) => void this.#serve(incoming, outgoing));
  }

  /** Every request so far, in the order of arrival. */
  get requests(): readonly SeenRequest[] {
    return this.#requests;
  }

  /** Requests that go no further: a fault or a pause holds them, or they never get an answer. */
  get held(): ReadonlySet<SeenRequest> {
    return this.#held;
  }

  /** How many requests are under way here, without those that are held. */
  get working(): number {
    return this.#working;
  }

  /**
   * Plans a fault for the next request that matches; among several plans the first made wins, once.
   * Resolves when the fault has let land what it lets land: a held answer may still wait.
   */
  next(match: Match, fault: Fault): Promise<SeenRequest> {
    return new Promise((done) => this.#plan.push({ match, fault, done }));
  }

  /** Resolves with the `count`-th request that matches, of all since the start, once it has arrived. */
  async seen(match: Match, count = 1): Promise<SeenRequest> {
    for (;;) {
      const found = this.#requests.filter((request) => matches(match, request))[count - 1];
      if (found) return found;
      await once(this.#events, "request");
    }
  }

  /** Everything in this direction waits until `resume()`. */
  pause(direction: Direction | "both"): void {
    if (direction !== "answers") this.#paused.add("requests");
    if (direction !== "requests") this.#paused.add("answers");
  }

  resume(): void {
    this.#paused.clear();
    this.#events.emit("resume");
  }

  /** Breaks the connections there are, with all answers under way; clients may connect again. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  /** Cuts every connection. Nothing lands after it; faults not yet met stay pending. */
  async close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = once(this.#server, "close");
      this.#server.close();
      this.#server.closeAllConnections();
      this.#agent.destroy();
    }
    await this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    this.#working += 1;
    try {
      await this.#pass(incoming, outgoing);
    } finally {
      this.#working -= 1;
    }
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method, url: path, headers, socket } = incoming;
    const body = await buffer(incoming).catch(() => undefined);
    // The client went away in the middle of its request.
    if (!body) return;
    const seen = this.#record(headers, body);
    const planned = this.#take(seen);
    const fault = planned ? planned.fault : this.otherwise(seen);
    await this.#passage("requests", seen);

    switch (fault?.kind) {
      case "dropRequest":
        socket.destroy();
        return planned?.done(seen);
      case "reset":
        socket.resetAndDestroy();
        return planned?.done(seen);
      case "blackhole":
        this.#leaveOpen(seen, outgoing);
        return planned?.done(seen);
      case "respond":
        await this.#passage("answers", seen);
        this.#answer(outgoing, { headers: {}, ...fault, body: JSON.stringify(fault.body) });
        return planned?.done(seen);
      case "delayRequest":
        await this.#hold(seen, fault.until);
    }

    let message: Message = { method, path, headers, body };
    if (fault?.kind === "replace") {
      const other = Buffer.from(JSON.stringify(fault.body));
      message = { ...message, headers: { ...headers, "content-length": `${other.length}` }, body: other };
    }
    let answer: Answer;
    try {
      answer = await this.#forward(message);
      if (fault?.kind === "duplicate") await this.#forward(message);
    } catch {
      // The table is gone, or we are closed: to the client that is a lost connection.
      socket.destroy();
      return;
    }
    if (fault?.kind === "dropAnswer") socket.destroy();
    if (fault?.kind === "hang") this.#leaveOpen(seen, outgoing);
    planned?.done(seen);
    if (fault?.kind === "hang") return;
    if (fault?.kind === "delayAnswer") await this.#hold(seen, fault.until);
    await this.#passage("answers", seen);
    this.#answer(outgoing, answer);
  }

  async #hold(seen: SeenRequest, until: Promise<unknown>): Promise<void> {
    this.#held.add(seen);
    this.#working -= 1;
    await until;
    this.#working += 1;
    this.#held.delete(seen);
  }

  /** It is held until its client gives it up. */
  #leaveOpen(seen: SeenRequest, outgoing: ServerResponse): void {
    if (outgoing.destroyed) return;
    this.#held.add(seen);
    outgoing.once("close", () => this.#held.delete(seen));
  }

  #record(headers: IncomingHttpHeaders, body: Buffer): SeenRequest {
    const operation = String(headers["x-amz-target"] ?? "").replace(/^.*\./, "");
    const seen = { operation, body: parse(body), headers, at: performance.now() };
    if (this.recording) this.#requests.push(seen);
    this.#events.emit("request");
    return seen;
  }

  #take(seen: SeenRequest): Planned | undefined {
    const index = this.#plan.findIndex(({ match }) => matches(match, seen));
    return index < 0 ? undefined : this.#plan.splice(index, 1)[0];
  }

  async #passage(direction: Direction, seen: SeenRequest): Promise<void> {
    while (this.#paused.has(direction)) await this.#hold(seen, once(this.#events, "resume"));
  }

  async #forward({ method, path, headers, body }: Message): Promise<Answer> {
    if (this.#closed !== undefined) throw new Error("closed");
    const outgoing = request(new URL(path ?? "/", this.#upstream), { method, headers, agent: this.#agent });
    // A connection that breaks within an answer tells both ends of it; `buffer` rejects for the two.
    outgoing.on("error", () => {});
    outgoing.end(body);
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: await buffer(incoming) };
  }

  #answer(outgoing: ServerResponse, { status, headers, body }: Answer): void {
    if (outgoing.destroyed) return;
    // Those of our own connection, whose length is known by now.
    const { connection, "keep-alive": _, "transfer-encoding": __, date, ...kept } = headers;
    const rewritten = this.rewriteDate(String(date ?? new Date().toUTCString()));
    outgoing.sendDate = false;
    if (rewritten !== undefined) outgoing.setHeader("date", rewritten);
    outgoing.writeHead(status, { ...kept, "content-length": Buffer.byteLength(body) });
    outgoing.end(body);
  }
}

function matches(match: Match, request: SeenRequest): boolean {
  return typeof match === "string" ? request.operation === match : match(request);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
