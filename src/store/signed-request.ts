/**
 * A request that the user's client has signed: the rest is HTTP. Whoever has it can send it while the signature is valid,
 * which is for five minutes. It holds no secret key, but it can hold a session token in a header.
 */
export interface SignedRequest {
  readonly method: string;
  readonly protocol: "http:" | "https:";
  readonly hostname: string;
  /** Undefined: the port of the protocol. */
  readonly port: number | undefined;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The answer to a signed request, as HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}
