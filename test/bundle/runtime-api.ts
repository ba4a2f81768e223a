import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Lambda's side of one sandbox: its Runtime API, on loopback. */

const PREFIX = "/2018-06-01/runtime/";

export interface Failure {
  readonly type: string;
  readonly message: string;
}

export type Reply = { readonly body: string } | { readonly failure: Failure };

interface Invocation {
  readonly id: string;
  readonly event: string;
  readonly deadlineMs: number;
  readonly reply: (reply: Reply) => void;
}

export class RuntimeApi implements AsyncDisposable {
  /** The runtime asks for its next event. */
  onAsked: () => void = () => {};
  /** … and there is none: it may be frozen. */
  onIdle: () => void = () => {};
  onInitError: (failure: Failure) => void = () => {};
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #asking: ServerResponse | undefined;
  #waiting: Invocation | undefined;
  #running: Invocation | undefined;

  /** `host:port`, as in `AWS_LAMBDA_RUNTIME_API`. */
  async listen(): Promise<string> {
    this.#server.keepAliveTimeout = 0;
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** One at a time. */
  invoke(event: unknown, deadlineMs: number): Promise<Reply> {
    return new Promise((reply) => {
      this.#waiting = { id: randomUUID(), event: JSON.stringify(event), deadlineMs, reply };
      this.#handOut();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.startsWith(PREFIX) ? request.url.slice(PREFIX.length) : "";
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const [, id, what] = /^invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    if (path === "invocation/next") {
      this.#asking = response;
      this.onAsked();
      if (this.#waiting) this.#handOut();
      else this.onIdle();
    } else if (id !== undefined && id === this.#running?.id) {
      const { reply } = this.#running;
      this.#running = undefined;
      accept(response);
      reply(what === "response" ? { body } : { failure: failureOf(body) });
    } else if (path === "init/error") {
      accept(response);
      this.onInitError(failureOf(body));
    } else {
      response.writeHead(404).end();
    }
  }

  #handOut(): void {
    if (!this.#asking || !this.#waiting) return;
    const { id, event, deadlineMs } = this.#waiting;
    this.#running = this.#waiting;
    this.#asking.writeHead(200, {
      "Content-Type": "application/json",
      "Lambda-Runtime-Aws-Request-Id": id,
      "Lambda-Runtime-Deadline-Ms": String(deadlineMs),
      "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:local:000000000000:function:job",
      "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
    });
    this.#asking.end(event);
    this.#asking = undefined;
    this.#waiting = undefined;
  }
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { "Content-Type": "application/json" }).end('{"status":"OK"}');
}

function failureOf(body: string): Failure {
  const { errorType = "", errorMessage = "" } = JSON.parse(body) as Record<string, string>;
  return { type: errorType, message: errorMessage };
}
