import { Code, Kind } from "../../describe.js";
import { InvalidOptionError } from "../../errors.js";
import { PARTITION_KEY } from "../schema.js";
import type { SignedRequest } from "../signed-request.js";

/** A conditional command of the SDK, as its own middleware sees it. */
export interface Signable {
  readonly input: { ConditionExpression?: string | undefined };
  middlewareStack: {
    add(middleware: never, options: { step: "initialize"; priority: "low" }): void;
    add(middleware: never, options: { step: "deserialize"; priority: "low" }): void;
  };
}

/** The SDK's request when it is about to leave. */
interface HttpRequest extends Omit<SignedRequest, "body" | "protocol"> {
  readonly protocol: string;
  readonly body: string | Uint8Array;
}

/** A client can drop a command's middleware, and send what should only be signed. Under this condition it changes nothing. */
const NEVER = `attribute_exists(${PARTITION_KEY}) AND attribute_not_exists(${PARTITION_KEY})`;

/**
 * Takes the finished request out of the SDK, after the step that signs it, and keeps it from being sent. It is the
 * command's own middleware, so the user's client stays as it is. A client that does not run it (one that copies the command,
 * or one that is not the SDK's) would send the command: so the command itself can never succeed, and only the middleware
 * puts its true condition in.
 */
export class SigningCapture {
  #request: SignedRequest | undefined;

  from<C extends Signable>(command: C): C {
    const { ConditionExpression } = command.input;
    const restore =
      (next: (args: object) => Promise<unknown>) =>
      async (args: { input: object }): Promise<unknown> =>
        next({ ...args, input: { ...args.input, ConditionExpression } });
    const capture = () => async (args: { request: HttpRequest }) => {
      this.#request = sendable(args.request);
      // What DynamoDB answers to a write without `ReturnValues`.
      return { response: { statusCode: 200, headers: {}, body: Buffer.from("{}") } };
    };
    command.input.ConditionExpression = `(${ConditionExpression}) AND ${NEVER}`;
    command.middlewareStack.add(restore as never, { step: "initialize", priority: "low" });
    // The innermost middleware, where the next step is the network.
    command.middlewareStack.add(capture as never, { step: "deserialize", priority: "low" });
    return command;
  }

  get request(): SignedRequest {
    if (this.#request === undefined)
      throw unfit("must run a command's own middleware", "a client that does not run it");
    return this.#request;
  }
}

/** Throws if Node's own HTTP could not send it as it is. */
function sendable({ method, protocol, hostname, port, path, headers, body }: HttpRequest): SignedRequest {
  const names = Object.keys(headers);
  if (names.some((name) => name.startsWith(":")))
    throw unfit("must sign for HTTP/1.1", "a client that signs for HTTP/2");
  return {
    method,
    protocol: protocol === "http:" ? "http:" : "https:",
    hostname,
    port,
    path,
    headers: { ...headers },
    body: typeof body === "string" ? body : textOf(body),
  };
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw unfit("must send its requests as text", "a client that compresses or encrypts them");
  }
}

/** Requests that are signed now and sent later are for `lastWill` and `heartbeat: "thread"` only. */
function unfit(rule: string, received: string): InvalidOptionError {
  const whole = `${rule}, or it cannot sign requests for later`;
  return new InvalidOptionError("client", whole, new Kind(received), new Code("new DynamoDBClient({})"));
}
