import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { SignedWill } from "../../src/last-will/executor.js";

/** What the service does with a request: an answer, an error of DynamoDB, no answer, or a broken connection. */
export type Reply = { status: number; body: unknown } | "no answer" | "broken";

export const written: Reply = { status: 200, body: {} };

export const failed = (name: string, status = 400, Item?: unknown): Reply => ({
  status,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, ...(Item !== undefined && { Item }) },
});

export const refusedBy = (term: number, revision: number): Reply =>
  failed("ConditionalCheckFailedException", 400, {
    term: { N: `${term}` },
    revision: { N: `${revision}` },
  });

/** Speaks HTTP like DynamoDB. Each path is one will: it gets its replies in turn, and its last one again and again. */
export class FakeService implements AsyncDisposable {
  /** The paths of all requests, in order. */
  readonly got: string[] = [];
  /** Called when a request has come, before its reply. */
  onRequest: (path: string) => void = () => {};
  readonly #replies = new Map<string, Reply[]>();
  readonly #waiting = new Set<() => void>();

  private constructor(readonly server: Server) {
    server.on("request", (request, response) => {
      request.resume().on("end", () => {
        const path = request.url ?? "";
        this.got.push(path);
        this.onRequest(path);
        const replies = this.#replies.get(path) ?? [written];
        const reply = replies.length > 1 ? replies.shift() : replies[0];
        if (reply === "broken") request.destroy();
        else if (reply !== "no answer")
          response.writeHead(reply?.status ?? 200).end(JSON.stringify(reply?.body));
        for (const check of this.#waiting) check();
      });
    });
  }

  static async start(): Promise<FakeService> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    return new FakeService(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  will(path: string, replies: Reply[] = [written], rest: Partial<SignedWill> = {}): SignedWill {
    this.#replies.set(path, replies);
    const where = { protocol: "http:", hostname: "127.0.0.1", port: this.port } as const;
    const request = { method: "POST", ...where, path, headers: {}, body: "{}" };
    return { request, basis: undefined, worthMs: 60_000, ...rest };
  }

  /** Resolves when this path has been asked for so often. */
  async asked(path: string, times = 1): Promise<void> {
    await new Promise<void>((resolve) => {
      const check = () => {
        if (this.timesOf(path) >= times) resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  timesOf(path: string): number {
    return this.got.filter((each) => each === path).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
