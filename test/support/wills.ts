import { request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import {
  executeWillsOf,
  type SignedWill,
  type UnavailablePart,
  type WillExecutor,
} from "../../src/last-will/executor.js";
import type { Answer } from "../../src/protocol/verbs.js";
import type { LeaseSigner, LeaseStore } from "../../src/store/lease-store.js";
import type { SignedRequest } from "../../src/store/signed-request.js";

type SignedVerb = keyof LeaseSigner;

/** Signs for a table that is no DynamoDB: the request holds the verb and its arguments as JSON. */
export const plainSigner: LeaseSigner = {
  crash: async (request) => signed("crash", request),
  resign: async (request) => signed("resign", request),
  renew: async (request) => signed("renew", request),
};

function signed(verb: SignedVerb, request: object): SignedRequest {
  const place = { method: "POST", protocol: "http:", hostname: "table", port: undefined, path: "/" } as const;
  return { ...place, headers: {}, body: JSON.stringify({ verb, request }) };
}

/** What was signed by `plainSigner`. */
export function contentOf({ body }: SignedRequest): { verb: SignedVerb; request: Record<string, unknown> } {
  return JSON.parse(body);
}

/** Sends to `store` what was signed by `plainSigner`. */
export async function sendSigned(
  store: LeaseStore,
  signedRequest: SignedRequest,
): Promise<Answer & { done: boolean }> {
  const { verb, request } = contentOf(signedRequest);
  return store[verb](request as never, new AbortController().signal);
}

/** Sends what the SDK signed, by nothing but HTTP. */
export async function send({
  body,
  ...request
}: SignedRequest): Promise<{ status?: number; answer: string }> {
  const { method, protocol, hostname, port, path, headers } = request;
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ method, protocol, hostname, port, path, headers }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, answer }), reject);
    });
    sent.on("error", reject).end(body);
  });
}

/** Keeps the wills of one process. The test says when that process dies, and what becomes of each will. */
export class FakeExecutor implements WillExecutor {
  readonly wills = new Map<string, SignedWill>();
  /** Each call, in order. */
  readonly calls: Array<{ readonly call: "set" | "clear"; readonly will?: SignedWill }> = [];
  /** Asked before each `set` takes effect. It may wait or throw. */
  beforeSet: (will: SignedWill) => Promise<void> = async () => {};
  /** Asked at each start. It may wait. */
  onStart: () => Promise<void> | void = () => {};
  readonly #listeners = new Set<() => void>();
  readonly #unavailableListeners = new Set<(unavailable: UnavailablePart) => void>();

  async start(): Promise<void> {
    await this.onStart();
  }

  async set(key: string, will: SignedWill): Promise<void> {
    await this.beforeSet(will);
    this.calls.push({ call: "set", will });
    this.wills.set(key, will);
  }

  clear(key: string): void {
    this.calls.push({ call: "clear" });
    this.wills.delete(key);
  }

  onExit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onUnavailable(listener: (unavailable: UnavailablePart) => void): () => void {
    this.#unavailableListeners.add(listener);
    return () => void this.#unavailableListeners.delete(listener);
  }

  get listening(): number {
    return this.#listeners.size;
  }

  fail(unavailable: UnavailablePart): void {
    for (const listener of this.#unavailableListeners) listener(unavailable);
  }

  /** What the exit hook does before it sends. */
  exit(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** A view of `store` for one process with an executor of its own. Requests go to `store`. */
export function withWills(store: LeaseStore, executor: WillExecutor, signer = plainSigner): LeaseStore {
  const view = new Proxy(store, {
    get(target, name) {
      if (name === "signer") return signer;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  executeWillsOf(view, executor);
  return view;
}
