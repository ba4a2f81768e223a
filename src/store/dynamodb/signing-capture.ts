import type { SignedRequest } from "../signed-request.js";

/** A command of the SDK, as its own middleware sees it. */
export interface Signable {
  middlewareStack: { add(middleware: never, options: { step: "deserialize"; priority: "low" }): void };
}

/** The SDK's request when it is about to leave. */
interface HttpRequest extends Omit<SignedRequest, "body" | "protocol"> {
  readonly protocol: string;
  readonly body: string | Uint8Array;
}

/**
 * Takes the finished request out of the SDK, after the step that signs it, and keeps it from being sent. It is the
 * command's own middleware, so the user's client stays as it is.
 */
export class SigningCapture {
  #request: SignedRequest | undefined;

  from<C extends Signable>(command: C): C {
    const middleware = () => async (args: { request: HttpRequest }) => {
      const { method, protocol, hostname, port, path, headers, body } = args.request;
      this.#request = {
        method,
        protocol: protocol === "http:" ? "http:" : "https:",
        hostname,
        port,
        path,
        headers: { ...headers },
        body: typeof body === "string" ? body : new TextDecoder().decode(body),
      };
      // What DynamoDB answers to a write without `ReturnValues`.
      return { response: { statusCode: 200, headers: {}, body: Buffer.from("{}") } };
    };
    // The innermost middleware, where the next step is the network.
    command.middlewareStack.add(middleware as never, { step: "deserialize", priority: "low" });
    return command;
  }

  get request(): SignedRequest {
    if (this.#request === undefined)
      throw new Error("the client's middleware answered before the request was signed");
    return this.#request;
  }
}
